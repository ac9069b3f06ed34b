//! The `sprig` room: the sprig 3.3 function library.
