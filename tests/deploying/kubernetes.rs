//! The manifests' pods, as kubelet makes them: the broker with its own projected token for the keys of the cluster, and a
//! workspace with nothing but a token for the broker.

use serde_json::{Value, json};

use crate::common::message;
use crate::recipes::pod::{POD_NAME, Pod, Secret, world_for_all};
use crate::recipes::yaml;
use crate::serve::port;
use crate::support::issuer::{LoopbackIssuer, SigningIssuerKey};
use crate::support::keys::app_key_pem;

const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";
const OF_SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

macro_rules! manifest {
    ($name:literal) => {
        yaml::read(include_str!(concat!("../../deploy/kubernetes/", $name)))
    };
}

/// The claims of a pod's projected token.
fn claims(namespace: &str, account: &str) -> Value {
    json!({
        "kubernetes.io": {
            "namespace": namespace,
            "node": { "name": "node-1", "uid": "4ab4b5a1-0a53-4f4a-9d7b-54f0b8a8c3a1" },
            "pod": { "name": POD_NAME, "uid": "7b4f5c0e-8a8b-4c39-8e55-0f7c2f0f7d11" },
            "serviceaccount": { "name": account, "uid": "0f3b43d8-1c5a-4a37-8b3f-b1a0f4a77c21" },
        },
    })
}

fn pod_spec(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]
}

#[test]
fn a_workspace_of_the_example_gets_its_token_without_a_secret_and_no_other_service_account_does() {
    let Some(place) = world_for_all("acme", &["website", "docs"]) else { return };
    let Some(workspaces) = world_for_all("acme", &[]) else { return };
    let ca = place.0.ca.ca_pem().to_owned();
    let issuer = LoopbackIssuer::start_tls(&place.0.ca, SigningIssuerKey::rsa("cluster"));
    issuer.guard("token-of-the-broker");
    let broker = manifest!("broker/deployment.yaml");
    let at = place.0.sandbox.path().join("pod/issuer").display().to_string();
    let trust = include_str!("../../deploy/kubernetes/broker/trust.toml");
    let trust = trust.replace(CLUSTER, &issuer.url()).replace(OF_SERVICE_ACCOUNT, &at);
    let hash = place
        .0
        .sh("git-credential-github-app serve hash-bearer prometheus")
        .stdin("a-bearer-of-prometheus")
        .run();
    let bearers = format!(
        "{} workspace=prometheus owner=acme repository=none permission=metadata=read\n",
        hash.success().stdout.trim_end()
    );
    let (certificate, key) = (place.0.ca.certificate_pem().to_owned(), place.0.ca.key_pem().to_owned());
    let files: [Secret; 4] = [
        ("github-app", &[("key.pem", app_key_pem()), ("bearers", &bearers)]),
        ("github-app-broker-tls", &[("tls.crt", &certificate), ("tls.key", &key)]),
        ("github-app-trust", &[("trust.toml", &trust)]),
        ("issuer", &[("token", "token-of-the-broker"), ("ca.crt", &ca)]),
    ];
    let pod = Pod::start(place, pod_spec(&broker), &files);
    let args = pod_spec(&broker)["containers"][0]["args"].as_array().expect("a list");
    let inside = |arg: &Value| pod.inside(arg.as_str().expect("text")).replace("0.0.0.0:8443", "127.0.0.1:0");
    let args: Vec<String> = args.iter().map(inside).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut running = pod.run(pod.world.sandbox.binary(), &args).spawn();
    let log = running.wait_for_stderr("listening on ");
    let url = format!("https://localhost:{}", port(&log));

    let token = issuer.token("system:serviceaccount:agents:web", &claims("agents", "web"));
    let other = issuer.token("system:serviceaccount:agents:cron", &claims("agents", "cron"));
    let workspace = manifest!("workspace/workspace.yaml");
    let bundle = format!("{ca}{}", workspaces.0.ca.ca_pem());
    let files: [Secret; 2] = [("identity", &[("token", &token)]), ("github-app-ca", &[("ca.crt", &bundle)])];
    let asks = Pod::start(workspaces, pod_spec(&workspace), &files);
    let ask = "git-credential-github-app --no-cache token";
    let output = asks.sh(ask).env("GITHUB_APP_BROKER_URL", &url).run();
    assert_eq!(output.success().stderr, "");
    assert_eq!(pod.world.github.live_tokens(), [output.stdout.trim_end()]);
    let mint =
        pod.world.github.api_requests().into_iter().find(|seen| seen.target.ends_with("/access_tokens"));
    assert_eq!(
        mint.expect("a mint").json(),
        json!({ "repositories": ["website"], "permissions": { "contents": "write", "metadata": "read" } })
    );

    let stranger = asks.world.sandbox.write("stranger", other);
    crate::support::users::mode(&stranger, 0o644);
    let output =
        asks.sh(ask).env("GITHUB_APP_BROKER_URL", &url).env("GITHUB_APP_BROKER_TOKEN_FILE", &stranger).run();
    output.fails_with(4);
    assert!(message(&output).ends_with("403: the bearer may not have this token"), "{}", output.stderr);
    let output = asks.sh(ask).env("GITHUB_APP_BROKER_URL", &url).env("WORKSPACE_ID", "web-2").run();
    output.fails_with(4);

    let log = running.stderr_so_far();
    assert!(!log.contains("warning") && !log.contains("everybody"), "{log}");
    let audit = running.stdout_so_far();
    let lines: Vec<Value> =
        audit.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
    let decisions: Vec<&Value> = lines.iter().map(|line| &line["decision"]).collect();
    assert_eq!(decisions, ["allow", "deny", "deny"], "{audit}");
    assert_eq!(lines[0]["identity"], format!("agents/web/{POD_NAME}"));
}

#[test]
fn what_the_manifests_say_of_each_other_is_so() {
    let (deployment, service) = (manifest!("broker/deployment.yaml"), manifest!("broker/service.yaml"));
    let (policy, budget) =
        (manifest!("broker/network-policy.yaml"), manifest!("broker/disruption-budget.yaml"));
    let monitor = manifest!("monitoring/service-monitor.yaml");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    for selector in [
        &deployment["spec"]["selector"]["matchLabels"],
        &policy["spec"]["podSelector"]["matchLabels"],
        &budget["spec"]["selector"]["matchLabels"],
        &service["spec"]["selector"],
    ] {
        assert_eq!(selector, labels);
    }
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"]);
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!(
        (&endpoint["port"], &endpoint["scheme"]),
        (&service["spec"]["ports"][0]["name"], &json!("https"))
    );
    let container = &pod_spec(&deployment)["containers"][0];
    let ports = &container["ports"][0];
    assert_eq!(service["spec"]["ports"][0]["targetPort"], ports["name"]);
    assert_eq!(policy["spec"]["ingress"][0]["ports"][0]["port"], ports["containerPort"]);
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        let get = &container[probe]["httpGet"];
        assert_eq!(
            (&get["path"], &get["port"], &get["scheme"]),
            (&json!(path), &ports["name"], &json!("HTTPS"))
        );
    }
    let (workspace, namespace) =
        (manifest!("workspace/workspace.yaml"), manifest!("workspace/namespace.yaml"));
    let from = &policy["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"]["github-app"];
    assert_eq!(from, &namespace["metadata"]["labels"]["github-app"]);
    for (workload, account) in [
        (&deployment, manifest!("broker/service-account.yaml")),
        (&workspace, manifest!("workspace/service-account.yaml")),
    ] {
        let spec = pod_spec(workload);
        assert_eq!(spec["serviceAccountName"], account["metadata"]["name"]);
        assert_eq!(account["automountServiceAccountToken"], false);
        assert_eq!(spec["automountServiceAccountToken"], false);
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
        assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        let security = &spec["containers"][0]["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["capabilities"]["drop"], json!(["ALL"]));
    }
    let volumes = pod_spec(&workspace)["volumes"].as_array().expect("a list");
    assert!(volumes.iter().all(|volume| volume["secret"].is_null()), "a workspace holds no secret");
    let audience = &volumes[0]["projected"]["sources"][0]["serviceAccountToken"]["audience"];
    let trust = include_str!("../../deploy/kubernetes/broker/trust.toml");
    assert!(trust.contains(&format!("audience = {audience}")), "{audience}");
    assert!(trust.contains(&format!("\"kubernetes.io/namespace\" = {}", namespace["metadata"]["name"])));
}
