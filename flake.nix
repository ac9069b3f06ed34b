{
  description = "Renders Helm charts, kustomizations and templates per environment into plain YAML, natively and byte for byte";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      forEach = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      manifest = (nixpkgs.lib.importTOML ./Cargo.toml).workspace.package;
    in
    {
      packages = forEach (pkgs: rec {
        default = hydrate;
        hydrate = pkgs.rustPlatform.buildRustPackage {
          pname = "hydrate";
          inherit (manifest) version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          # There is no repository where it is built.
          env.HYDRATE_COMMIT = self.rev or self.dirtyRev or "";
          cargoBuildFlags = [ "--bin" "hydrate" ];
          # They need Git, a home and mounts: `make test` runs them.
          doCheck = false;
          postInstall = ''
            installShellCompletion --cmd hydrate \
              --bash <($out/bin/hydrate completion bash) \
              --zsh <($out/bin/hydrate completion zsh) \
              --fish <($out/bin/hydrate completion fish)
            $out/bin/hydrate man > hydrate.1
            installManPage hydrate.1
          '';
          meta = {
            description = manifest.description or "Renders Helm charts, kustomizations and templates into plain YAML";
            homepage = manifest.repository;
            license = nixpkgs.lib.licenses.asl20;
            mainProgram = "hydrate";
          };
        };
      });

      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.system}.hydrate ];
          packages = [ pkgs.cargo-deny pkgs.clippy pkgs.git pkgs.rustfmt ];
        };
      });
    };
}
