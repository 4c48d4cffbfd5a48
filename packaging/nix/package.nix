{ lib, rustPlatform, installShellFiles, stdenv }:

let
  root = ../..;
  manifest = (lib.importTOML (root + "/Cargo.toml")).package;
in
rustPlatform.buildRustPackage {
  pname = manifest.name;
  inherit (manifest) version;
  src = lib.cleanSource root;
  cargoLock.lockFile = root + "/Cargo.lock";

  # The tests need git, gh and namespaces, which the build sandbox does not have.
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];
  postInstall = ''
    installManPage man/git-credential-github-app.1
  '' + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    installShellCompletion --cmd git-credential-github-app \
      --bash <($out/bin/git-credential-github-app completions bash) \
      --zsh <($out/bin/git-credential-github-app completions zsh) \
      --fish <($out/bin/git-credential-github-app completions fish)
  '';

  meta = {
    inherit (manifest) description;
    license = with lib.licenses; [ mit asl20 ];
    mainProgram = "git-credential-github-app";
    platforms = lib.platforms.unix;
  };
}
