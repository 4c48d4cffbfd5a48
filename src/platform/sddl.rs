//! Who may do what with a file on Windows, read from the text form of its security descriptor (SDDL,
//! <https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format>). Pure.

/// Rights to change a file's content, location or access control list.
pub const WRITE: u32 = 0x500d_0156;
/// Rights to read it.
pub const READ: u32 = 0x9000_0001;
/// Rights to run it.
pub const EXECUTE: u32 = 0x3000_0020;
/// The right to rename and remove the entries of a directory.
pub const DELETE_CHILD: u32 = 0x100c_0040;

/// Accounts that can access everything anyway: the system, administrators, Windows' installer, and aliases of the owner.
const TRUSTED: [&str; 5] =
    ["SY", "BA", "CO", "OW", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"];
/// Groups that include every logged-in user, or could.
const EVERYONE: [&str; 9] = ["WD", "AU", "BU", "AN", "BG", "IU", "NU", "AC", "DU"];
/// Rights that an access control entry may write as letters.
const RIGHTS: [(&str, u32); 21] = [
    ("GA", 0x1000_0000),
    ("GR", 0x8000_0000),
    ("GW", 0x4000_0000),
    ("GX", 0x2000_0000),
    ("RC", 0x0002_0000),
    ("SD", 0x0001_0000),
    ("WD", 0x0004_0000),
    ("WO", 0x0008_0000),
    ("CC", 0x0001),
    ("DC", 0x0002),
    ("LC", 0x0004),
    ("SW", 0x0008),
    ("RP", 0x0010),
    ("WP", 0x0020),
    ("DT", 0x0040),
    ("LO", 0x0080),
    ("CR", 0x0100),
    ("FA", 0x001f_01ff),
    ("FR", 0x0012_0089),
    ("FW", 0x0012_0116),
    ("FX", 0x0012_00a0),
];

/// A security descriptor.
#[derive(Debug, PartialEq, Eq)]
pub struct Descriptor<'a> {
    owner: &'a str,
    /// Who is allowed what; `None`: there is no list, and everyone is allowed everything.
    allowed: Option<Vec<(&'a str, u32)>>,
}

/// Which other users have a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Others {
    /// None.
    Nobody,
    /// Some users or groups.
    Some,
    /// Every user.
    Everyone,
}

impl<'a> Descriptor<'a> {
    /// Parses its text; `None` if it is not understood.
    pub fn parse(text: &'a str) -> Option<Self> {
        let owner = text.strip_prefix("O:")?;
        let (owner, rest) = owner.split_at(owner.find("G:").or_else(|| owner.find("D:"))?);
        let list = rest.split_once("D:")?.1.split("S:(").next()?;
        if list.starts_with("NO_ACCESS_CONTROL") {
            return Some(Self { owner, allowed: None });
        }
        let mut allowed = Vec::new();
        // A condition is in its own parentheses.
        for entry in list.split('(').skip(1).filter(|entry| entry.contains(';')) {
            let fields: Vec<&str> = entry.split(')').next()?.split(';').collect();
            let [kind, flags, rights, _, _, who, ..] = fields.as_slice() else { return None };
            // An inherit-only entry does not apply to this file.
            let is_here = !flags.as_bytes().chunks(2).any(|flag| flag == b"IO");
            // A condition can only narrow what an entry allows.
            if matches!(*kind, "A" | "OA" | "XA" | "ZA") && is_here {
                allowed.push((*who, mask(rights)?));
            }
        }
        Some(Self { owner, allowed: Some(allowed) })
    }

    /// Whether it belongs to this user, or to an account that can access everything anyway.
    pub fn is_owned_by(&self, me: &str) -> bool {
        self.owner == me || TRUSTED.contains(&self.owner)
    }

    /// Which users other than this one have any of these rights.
    pub fn others(&self, me: &str, rights: u32) -> Others {
        let Some(allowed) = &self.allowed else { return Others::Everyone };
        let others =
            allowed.iter().filter(|(who, mask)| mask & rights != 0 && *who != me && !TRUSTED.contains(who));
        let kind = |who: &str| if EVERYONE.contains(&who) { Others::Everyone } else { Others::Some };
        others.map(|(who, _)| kind(who)).max().unwrap_or(Others::Nobody)
    }
}

fn mask(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).ok();
    }
    let words = text.as_bytes().chunks(2).map(|word| {
        let known = RIGHTS.iter().find(|(name, _)| name.as_bytes() == word);
        known.map(|(_, mask)| *mask)
    });
    words.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "S-1-5-21-1-2-3-1001";

    #[test]
    fn a_descriptor_says_who_besides_its_user_may_do_what() {
        let user = format!("(A;OICI;FA;;;{ME})");
        for (list, write, read) in [
            ("D:PAI(A;;FA;;;SY)(A;;FA;;;BA)", Others::Nobody, Others::Nobody),
            ("D:(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)", Others::Nobody, Others::Nobody),
            // What Windows gives a directory below C:\.
            ("D:AI(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)", Others::Nobody, Others::Everyone),
            ("D:AI(A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)", Others::Everyone, Others::Everyone),
            ("D:AI(A;OICIIOID;SDGXGWGR;;;AU)", Others::Nobody, Others::Nobody),
            ("D:(A;;FR;;;S-1-5-21-1-2-3-1002)", Others::Nobody, Others::Some),
            ("D:(A;;FW;;;S-1-5-21-1-2-3-1002)(A;;FR;;;WD)", Others::Some, Others::Everyone),
            ("D:(D;;FA;;;WD)", Others::Nobody, Others::Nobody),
            ("D:(XA;;FA;;;WD;(@User.Title==\"x\"))", Others::Everyone, Others::Everyone),
            ("D:(A;;GA;;;WD)S:(ML;;NW;;;LW)", Others::Everyone, Others::Everyone),
            ("D:NO_ACCESS_CONTROL", Others::Everyone, Others::Everyone),
        ] {
            let text = format!("O:{ME}G:DU{}", list.replacen("D:(", &format!("D:{user}("), 1));
            let found = Descriptor::parse(&text).unwrap();
            assert_eq!((found.others(ME, WRITE), found.others(ME, READ)), (write, read), "{list}");
            assert!(found.is_owned_by(ME));
        }
    }

    #[test]
    fn rights_are_told_apart() {
        let found = Descriptor::parse("O:BAG:SYD:(A;;0x1200a0;;;BU)(A;;0x40;;;AU)").unwrap();
        let others = [READ, WRITE, EXECUTE, DELETE_CHILD].map(|rights| found.others(ME, rights));
        assert_eq!(others, [Others::Nobody, Others::Everyone, Others::Everyone, Others::Everyone]);
        let found = Descriptor::parse("O:BAG:SYD:(A;;0x1200a0;;;BU)").unwrap();
        assert_eq!(found.others(ME, WRITE | DELETE_CHILD), Others::Nobody);
    }

    #[test]
    fn an_owner_is_the_user_or_an_administrator() {
        for (owner, good) in
            [(ME, true), ("SY", true), ("BA", true), ("S-1-5-21-1-2-3-1002", false), ("BU", false)]
        {
            let text = format!("O:{owner}G:SYD:");
            assert_eq!(Descriptor::parse(&text).unwrap().is_owned_by(ME), good, "{owner}");
        }
    }

    #[test]
    fn what_is_no_descriptor_is_not_understood() {
        for text in [
            "",
            "D:(A;;FA;;;WD)",
            "O:SYG:SY",
            "O:SYG:SYD:(A;;FA)",
            "O:SYG:SYD:(A;;??;;;WD)",
            "O:SYG:SYD:(A;;0xg;;;WD)",
        ] {
            assert_eq!(Descriptor::parse(text), None, "{text}");
        }
    }
}
