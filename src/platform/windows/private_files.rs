//! Which files to trust: those of this user, the system and the machine's administrators. Windows gives only them access
//! to the user's profile; elsewhere the access control list is read.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use directories::BaseDirs;
use windows_permissions::constants::{SeObjectType, SecurityInformation};
use windows_permissions::utilities::current_process_sid;
use windows_permissions::wrappers::{
    ConvertSecurityDescriptorToStringSecurityDescriptor, GetNamedSecurityInfo,
};
use windows_permissions::{LocalBox, SecurityDescriptor};

use crate::platform::sddl::{DELETE_CHILD, Descriptor, EXECUTE, Others, READ, WRITE};
pub use crate::platform::trust::{Distrust, Readers, Use};

/// How to let one group read a file, where that is enough for [`others_may`].
pub const FOR_A_GROUP: Option<&str> = None;

/// Checks a file that could name commands to run.
pub fn file(path: &Path, metadata: &Metadata) -> Result<(), Distrust> {
    if metadata.is_file() && !is_in_profile(path) {
        return rights(path)
            .and_then(|rights| rights.trusted(WRITE))
            .map_err(|cause| Distrust { cause, fix: remedy(&path.display().to_string()) });
    }
    Ok(())
}

/// Who may read or change a private key.
pub fn readers(path: &Path, _: &Metadata) -> Readers {
    if is_in_profile(path) {
        return Readers::Owner;
    }
    match rights(path).map(|rights| rights.others(READ | WRITE)) {
        Ok(Others::Nobody) => Readers::Owner,
        Ok(Others::Some) => Readers::Group("by its access control list".to_owned()),
        Ok(Others::Everyone) => Readers::Everyone("by its access control list".to_owned()),
        Err(cause) => Readers::Group(cause),
    }
}

/// The command that makes a file accessible only to its owner; `*S-1-3-4` is the owner.
pub fn remedy(path: &str) -> String {
    format!("icacls {} /inheritance:r /grant:r *S-1-3-4:F", quoted(path))
}

fn quoted(path: &str) -> String {
    format!("\"{}\"", path.trim_matches(['\'', '"']))
}

/// Checks the directory that holds a path: where others may rename and remove, they could put their own in its place.
/// One that does not exist is harmless.
///
/// # Errors
/// Other users may rename or remove its entries.
pub fn parent(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    if is_in_profile(parent) || !parent.exists() {
        return Ok(());
    }
    let rights = rights(parent).map_err(io::Error::other)?;
    if rights.others(DELETE_CHILD) != Others::Nobody {
        let shown = parent.display();
        return Err(io::Error::other(format!(
            "others may change its directory {shown}; go one level deeper"
        )));
    }
    Ok(())
}

/// Checks a file or a directory that only this user may own and access.
///
/// # Errors
/// It is not.
pub fn check_private(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if is_in_profile(path) {
        return Ok(());
    }
    let remedy = || {
        let inherited = if metadata.is_dir() { "*S-1-3-4:(OI)(CI)F" } else { "*S-1-3-4:F" };
        format!("icacls {} /inheritance:r /grant:r {inherited}", quoted(&path.display().to_string()))
    };
    let check = || rights(path)?.trusted(READ | WRITE);
    check().map_err(|cause| io::Error::other(format!("{cause}; {} makes it private", remedy())))
}

/// Whether every user may use a file; one that does not exist yet is harmless.
pub fn others_may(r#use: Use, path: &Path) -> bool {
    let wanted = if r#use == Use::Read { READ } else { EXECUTE };
    let Ok(path) = path.canonicalize() else { return true };
    !is_in_profile(&path) && rights(&path).is_ok_and(|rights| rights.others(wanted) == Others::Everyone)
}

/// Whether a path is below the user's profile, however it is written.
fn is_in_profile(path: &Path) -> bool {
    static PROFILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let profile = PROFILE.get_or_init(|| BaseDirs::new()?.home_dir().canonicalize().ok());
    let Some(profile) = profile else { return false };
    let Ok(path) = std::path::absolute(path) else { return false };
    // A path that does not exist yet is resolved by its parent directory.
    let there = path.ancestors().find_map(|path| path.canonicalize().ok());
    there.is_some_and(|path| path.starts_with(profile))
}

/// A file's security descriptor as text, and this user's SID as such texts write it.
struct Rights {
    text: String,
    me: String,
}

impl Rights {
    fn descriptor(&self) -> Option<Descriptor<'_>> {
        Descriptor::parse(&self.text)
    }

    /// Which other users have any of these rights; a descriptor that is not understood counts as every user.
    fn others(&self, wanted: u32) -> Others {
        self.descriptor().map_or(Others::Everyone, |found| found.others(&self.me, wanted))
    }

    fn trusted(&self, wanted: u32) -> Result<(), String> {
        let Some(found) = self.descriptor() else {
            return Err("its access control list is not understood".to_owned());
        };
        if !found.is_owned_by(&self.me) {
            return Err("it belongs to another user".to_owned());
        }
        if found.others(&self.me, wanted) != Others::Nobody {
            return Err("others may access it".to_owned());
        }
        Ok(())
    }
}

fn rights(path: &Path) -> Result<Rights, String> {
    let wanted = SecurityInformation::Owner | SecurityInformation::Dacl;
    let read = || -> io::Result<Rights> {
        let found = GetNamedSecurityInfo(path.as_os_str(), SeObjectType::SE_FILE_OBJECT, wanted)?;
        let text = ConvertSecurityDescriptorToStringSecurityDescriptor(&found, wanted)?;
        // Converted in the same way as the file's, as some users have short names there.
        let owned: LocalBox<SecurityDescriptor> = format!("O:{}", current_process_sid()?).parse()?;
        let me = ConvertSecurityDescriptorToStringSecurityDescriptor(&owned, SecurityInformation::Owner)?;
        let me = me.to_string_lossy().trim_start_matches("O:").to_owned();
        Ok(Rights { text: text.to_string_lossy().into_owned(), me })
    };
    read().map_err(|error| format!("cannot tell who may access it: {error}"))
}
