//! Commands about rights: teams, keys, entitlements, products, signed URLs, people.

use super::super::world::{
    ENTITLEMENTS, EULAS, GUEST, GUILD, KEYS, MATE, MEMBER, OWNER, PATHS, PRODUCTS, Place, TEAMS,
    VERSIONS,
};
use super::{Command, Generator};

impl Generator {
    pub(super) fn teams(&mut self) -> Command {
        let (repo, of, team) = (self.repo(), self.subject(), self.pick(&TEAMS));
        let (members, chance) = (self.members(), self.one_in(2));
        match self.below(16) {
            0 | 1 => Command::CreateTeam { of, team, members, creates: chance },
            2 => Command::ShowTeam(of, team),
            3 => Command::ListTeams(of),
            4 | 5 => Command::PatchTeam {
                of,
                team,
                members: chance.then_some(members),
                creates: self.one_in(2).then_some(chance),
            },
            6 => Command::DeleteTeam(of, team),
            7..11 => Command::SetPermission {
                repo,
                team,
                permission: self.pick(&["read", "publish", "admin"]),
            },
            11 => Command::ShowPermission(repo, team),
            12 => Command::ListPermissions(repo),
            13 => Command::DeletePermission(repo, team),
            14 => Command::PutMember(self.pick(&[MEMBER, MATE]), "member"),
            _ => Command::ShowOrg,
        }
    }

    fn members(&mut self) -> Vec<&'static str> {
        let mut members = Vec::new();
        for _ in 0..self.below(3) {
            let user = self.user();
            if !members.contains(&user) {
                members.push(user);
            }
        }
        members
    }

    fn place(&mut self) -> Place {
        let (repo, package) = (self.repo(), self.package());
        match self.below(8) {
            0..3 => Place::Repo(repo),
            3 | 4 => Place::Package(repo, package),
            5 | 6 => Place::Version(repo, package, self.version()),
            _ => Place::Product(repo.0, self.pick(&PRODUCTS)),
        }
    }

    pub(super) fn keys(&mut self) -> Command {
        let (of, key, place) = (self.subject(), self.pick(&KEYS), self.place());
        let (id, days) = (self.pick(&ENTITLEMENTS), self.one_in(4).then_some(2));
        let (password, write) = (1 + u8::from(self.one_in(3)), self.one_in(2));
        let keys = if self.one_in(8) { vec!["k1", "k2"] } else { vec!["k1"] };
        let path = match place {
            Place::Repo(_) if self.one_in(2) => Some(self.pick(&["dir", "a.bin", PATHS[5]])),
            _ => None,
        };
        match self.below(24) {
            0..4 => Command::CreateKey { of, key, password, days, black: self.one_in(4) },
            4 => Command::ShowKey(of, key),
            5 => Command::ListKeys(of),
            6 => Command::PatchKey { of, key, password: write.then_some(password), days },
            7 => Command::DeleteKey(of, key),
            8..16 => Command::CreateEntitlement { of: place, id, write, keys, path },
            16 => Command::ShowEntitlement(place, id),
            17 => Command::ListEntitlements(place),
            18 | 19 => {
                let (add, remove) =
                    if write { (keys, Vec::new()) } else { (Vec::new(), vec![key]) };
                let write = self.one_in(2).then_some(write);
                Command::PatchEntitlement { of: place, id, write, add, remove }
            }
            20 => Command::DeleteEntitlement(place, id),
            _ => Command::SearchEntitlements { scope: place, key, deep: write },
        }
    }

    pub(super) fn products(&mut self) -> Command {
        let (of, product, eula) = (self.subject(), self.product(), self.pick(&EULAS));
        let (default, version) = (self.one_in(2), self.version());
        let packages = self.packages();
        let versions = if self.one_in(2) { vec![self.pick(&VERSIONS)] } else { Vec::new() };
        match self.below(22) {
            0 | 1 => Command::CreateProduct { of, product, packages },
            2 | 3 => Command::ShowProduct(of, product),
            4 => Command::ListProducts(of),
            5 | 6 => Command::PatchProduct {
                of,
                product,
                packages: default.then_some(packages),
                desc: self.text(),
            },
            7 => match self.one_in(2) {
                true => Command::DeleteProduct(of, product),
                false => Command::ShowProduct(of, product),
            },
            8..12 => Command::CreateEula { of, product, eula, default, versions },
            12 => Command::ShowEula(of, product, eula),
            13 => Command::ListEulas(of, product),
            14 => {
                let default = self.one_in(2).then_some(default);
                Command::PatchEula { of, product, eula, default }
            }
            15 => Command::DeleteEula(of, product, eula),
            16 => Command::FileEula(self.repo(), self.path()),
            17..21 => Command::AcceptEula { of, product, version },
            _ => Command::SignedEulas(of, product),
        }
    }

    fn product(&mut self) -> &'static str {
        if self.one_in(5) { self.pick(&PRODUCTS) } else { "suite" }
    }

    fn packages(&mut self) -> Vec<&'static str> {
        let mut packages = Vec::new();
        for name in ["tools/app", "vault/app", "tools/lib"] {
            if self.one_in(3) {
                packages.push(name);
            }
        }
        packages
    }

    pub(super) fn signed(&mut self) -> Command {
        let (repo, path, slot) = (self.repo(), self.path(), self.below(2));
        match self.below(10) {
            0..4 => Command::SignUrl { repo, path, slot, seconds: self.pick(&[10, 3600]) },
            4..7 => Command::UseSignedUrl { slot, forged: self.one_in(6) },
            7 => Command::RenewKeyPair(self.subject()),
            _ => Command::Dynamic { repo, package: self.package() },
        }
    }

    pub(super) fn social(&mut self) -> Command {
        let user = self.user();
        let whom = self.pick(&[OWNER, GUILD, GUEST, MATE]);
        let of = self.subject();
        match self.below(18) {
            0 => Command::PutUser,
            1 => Command::ShowGuest,
            2 => Command::DeleteUser,
            3 => Command::ShowUser(self.pick(&[OWNER, MATE, GUEST])),
            4 => Command::ShowOrg,
            5 => Command::SearchUsers(whom),
            6 | 7 => Command::Follow(OWNER, whom),
            8 => Command::Unfollow(OWNER, whom),
            9 => Command::Followers(whom),
            10 | 11 => Command::PutMember(user, self.pick(&["member", "admin", "owner"])),
            12 => Command::DeleteMember(user),
            13 => Command::ListMembers,
            14 => Command::CreateLicense(of),
            15 => Command::ListLicenses(of),
            16 => Command::DeleteLicense(of),
            _ => Command::ShowUser(user),
        }
    }
}
