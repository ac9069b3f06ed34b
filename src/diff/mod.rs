//! The `diff` room: differences between trees and objects.
