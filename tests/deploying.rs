//! What is in `deploy/` is what it says: the manifests' pods and the unit's command are run here, and what the dashboard and
//! the alerts ask for is what the broker counts. `.ci/run` holds their form to the schemas of those who read them.

mod kubernetes;
mod monitoring;
mod systemd;
