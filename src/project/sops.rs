//! Who Secrets are encrypted for: `sops: {age: […]}`.

use hydrate_base::Diagnostic;
use hydrate_yaml::node::Node;

use super::parse::Parsed;

/// The recipients that a file names; none where it says nothing of it.
pub(super) fn recipients(file: &Parsed, root: &Node) -> Result<Vec<String>, Vec<Box<Diagnostic>>> {
    let Some(sops) = root.get("sops") else { return Ok(Vec::new()) };
    let (mut recipients, mut wrong) = (Vec::new(), Vec::new());
    for text in file.texts(sops, "age").unwrap_or_default() {
        match hydrate_sops::check_recipient(&text.text) {
            // The line is not shown that may have a private key in it.
            Err(error) if text.text.contains("SECRET") || text.text.contains("PRIVATE") => {
                wrong.push(Diagnostic::error(error.to_string()).note(format!("it stands in {}, under `sops.age`", file.file.name)));
            }
            Err(error) => {
                let error = text.error(error.to_string(), "nothing can be encrypted for it");
                wrong.push(error.help("public keys are what `age-keygen -y` prints (age1…), and those of SSH (ssh-ed25519 …, ssh-rsa …)"));
            }
            Ok(()) if recipients.contains(&text.text) => {}
            Ok(()) => recipients.push(text.text.clone()),
        }
    }
    if wrong.is_empty() { Ok(recipients) } else { Err(wrong) }
}
