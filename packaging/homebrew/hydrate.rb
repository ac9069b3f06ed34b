# Filled in by packaging/formula for each release; the result is an asset of the release, for a tap's Formula/hydrate.rb.
class Hydrate < Formula
  desc "Renders Helm charts, kustomizations and templates into plain YAML, byte for byte"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/hydrate-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256 aarch64-apple-darwin@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/hydrate-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256 x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/hydrate-@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/hydrate-@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "hydrate"
    bash_completion.install "completions/hydrate.bash" => "hydrate"
    zsh_completion.install "completions/_hydrate"
    fish_completion.install "completions/hydrate.fish"
    man1.install "man/hydrate.1"
  end

  test do
    system bin/"hydrate", "init", "-e", "dev", testpath/"project"
    system bin/"hydrate", "-C", testpath/"project", "-e", "dev"
    assert_path_exists testpath/"project/manifests/dev/hello/configmap-hello.yaml"
  end
end
