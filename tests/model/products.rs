//! Products and their EULAs: `docs/products-and-eulas.md`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::unauthorized;
use super::access::{Caller, Need, Rule, Target, forbidden, not_found, refuse, refuse_somehow};
use super::answer::{Expected, Told};
use super::command::Command;
use super::rules::{page, told};
use super::state::{Eula, Model, Product, Signed, Version};
use super::world::{Repo, iso};

fn deleted() -> Rule<Expected> {
    told(200, json!({"message": "deleted"}))
}

impl Model {
    /// The product, for who administers the subject or may read one of its packages.
    pub(crate) fn product_for(&self, by: Caller, of: &'static str, name: &str) -> Rule<&Product> {
        Self::signed_in(by)?;
        let visible = |product: &&Product| {
            self.administers(by, of) || !self.packages_seen(by, of, product).is_empty()
        };
        match self.subject(of).products.get(name).filter(visible) {
            Some(product) => Ok(product),
            None => not_found("Product", name),
        }
    }

    fn packages_seen(
        &self,
        by: Caller,
        of: &'static str,
        product: &Product,
    ) -> Vec<(&'static str, &'static str)> {
        let packages = product.packages.iter().map(|(repo, package, _)| (*repo, *package));
        packages
            .filter(|(repo, name)| self.sees(by, Target::package(Repo(of, repo), name)))
            .collect()
    }

    fn product_json(&self, by: Caller, of: &'static str, name: &str, product: &Product) -> Value {
        let seen = self.packages_seen(by, of, product);
        let mut versions: Vec<(i64, &str)> = Vec::new();
        for (repo, package) in &seen {
            let kept = self.package(Repo(of, repo), package);
            let kept = kept.into_iter().flat_map(|package| package.versions.iter());
            versions.extend(kept.map(|(name, version)| (-version.created, *name)));
        }
        versions.sort_unstable();
        let mut names: Vec<&str> = Vec::new();
        for (_, name) in versions {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let packages: Vec<_> = seen.iter().map(|(repo, name)| format!("{repo}/{name}")).collect();
        json!({
            "name": name, "display_name": name, "created": iso(product.created),
            "desc": product.desc, "website_url": "", "vcs_url": "", "packages": packages,
            "versions": names,
        })
    }

    /// The packages that are named as `repo/package`.
    fn named_packages(
        &self,
        of: &'static str,
        names: &[&'static str],
    ) -> Rule<Vec<(&'static str, &'static str, u64)>> {
        let mut packages = Vec::new();
        for name in names {
            let Some((repo, package)) = name.split_once('/') else { return refuse_somehow(400) };
            let Some(kept) = self.package(Repo(of, repo), package) else {
                return refuse_somehow(400);
            };
            if !packages.contains(&(repo, package, kept.id)) {
                packages.push((repo, package, kept.id));
            }
        }
        Ok(packages)
    }

    pub(crate) fn on_products(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::CreateProduct { of, product, packages } => {
                self.owns(by, of)?;
                if self.subject(of).products.contains_key(product) {
                    return refuse(409, format!("Product '{product}' already exists"));
                }
                let packages = self.named_packages(of, packages)?;
                let made = Product {
                    desc: "",
                    created: self.now,
                    packages,
                    eulas: BTreeMap::new(),
                    entitlements: BTreeMap::new(),
                    signed: Vec::new(),
                };
                let shown = self.product_json(by, of, product, &made);
                self.subject_mut(of).products.insert(product, made);
                told(201, shown)
            }
            Command::ShowProduct(of, product) => {
                let found = self.product_for(by, of, product)?;
                told(200, self.product_json(by, of, product, found))
            }
            Command::ListProducts(of) => {
                Self::signed_in(by)?;
                let names = self.subject(of).products.keys();
                let names = names.filter(|name| self.product_for(by, of, name).is_ok());
                page(names.map(|name| json!({"name": name})).collect())
            }
            Command::PatchProduct { of, product, packages, desc } => {
                self.product_for(by, of, product)?;
                self.owns(by, of)?;
                let packages = packages.as_ref().map(|names| self.named_packages(of, names));
                let packages = packages.transpose()?;
                if let Some(changed) = self.subject_mut(of).products.get_mut(product) {
                    changed.desc = desc;
                    if let Some(packages) = packages {
                        changed.packages = packages;
                    }
                }
                super::rules::success(200)
            }
            Command::DeleteProduct(of, product) => {
                self.product_for(by, of, product)?;
                self.owns(by, of)?;
                self.subject_mut(of).products.remove(product);
                deleted()
            }
            _ => unreachable!("{command:?} is about products"),
        }
    }

    /// Which EULA of a product a version has.
    fn eula_of<'a>(
        product: &'a Product,
        name: &str,
        version: &Version,
    ) -> Option<(&'a str, &'a Eula)> {
        let eulas = || product.eulas.iter().map(|(name, eula)| (*name, eula));
        let listed = eulas().filter(|(_, eula)| eula.versions.contains(&name));
        let by_default = eulas()
            .filter(|(_, eula)| eula.default_since.is_some_and(|since| since <= version.created));
        listed
            .max_by_key(|(_, eula)| eula.id)
            .or_else(|| by_default.max_by_key(|(_, eula)| eula.default_since))
    }

    /// The number by which someone signs.
    pub(crate) fn signer(&self, by: Caller) -> u64 {
        match by {
            Caller::Key(of, key) => self.subject(of).keys.get(key).map_or(0, |key| key.id),
            Caller::User(user) => {
                self.registered.get(user).map_or(0, |at| u64::try_from(*at).unwrap_or(0))
            }
            Caller::Nobody | Caller::Admin => 0,
        }
    }

    /// The products of a package whose EULA of a version stands before its downloads.
    fn products_with_eula(&self, repo: Repo, package: &str, version: &str) -> Vec<(&str, u64)> {
        let Some(kept) = self.package(repo, package) else { return Vec::new() };
        let Some(of) = kept.versions.get(version) else { return Vec::new() };
        let products = self.subject(repo.0).products.iter();
        let holds = |product: &Product| {
            product.packages.iter().any(|one| *one == (repo.1, package_name(package), kept.id))
        };
        let eula = |(name, product): (&&'static str, &Product)| {
            let (_, eula) = Self::eula_of(product, version, of)?;
            Some((*name, eula.id))
        };
        products.filter(|(_, product)| holds(product)).filter_map(eula).collect()
    }

    /// A download is refused until every EULA of its version is accepted.
    pub(crate) fn eula_of_download(&self, by: Caller, repo: Repo, path: &str) -> Rule<()> {
        let Some(file) = self.file(repo, path) else { return Ok(()) };
        if self.may(by, Need::Publish, self.file_target(repo, path)) {
            return Ok(());
        }
        for (name, eula) in self.products_with_eula(repo, file.package, file.version) {
            if by == Caller::Nobody {
                return unauthorized();
            }
            let product = &self.subject(repo.0).products[name];
            let signer = self.signer(by);
            let accepted = product.signed.iter().any(|signed| {
                (signed.signer, signed.version, signed.eula) == (signer, file.version, eula)
            });
            if !accepted {
                let user = username(by).replace('@', "%40");
                let (of, version) = (repo.0, file.version);
                let text = format!(
                    "To download the resource {path} you need to accept its EULA at: \
                     http://packhouse.test/{of}/product/{name}/{version}/accept_eula?username={user}\n"
                );
                return Err(Expected { status: 403, told: Told::Plain(text) });
            }
        }
        Ok(())
    }

    pub(crate) fn on_eulas(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::CreateEula { of, product, .. }
            | Command::ShowEula(of, product, _)
            | Command::PatchEula { of, product, .. }
            | Command::DeleteEula(of, product, _)
            | Command::SignedEulas(of, product) => {
                self.product_for(by, of, product)?;
                self.owns(by, of)?;
                self.on_eula(of, product, command)
            }
            Command::ListEulas(of, product) => {
                let found = self.product_for(by, of, product)?;
                page(found.eulas.iter().map(|(name, eula)| eula_json(name, eula, false)).collect())
            }
            Command::FileEula(repo, path) => self.file_eula(by, *repo, path),
            Command::AcceptEula { of, product, version } => self.accept(by, of, product, version),
            _ => unreachable!("{command:?} is about EULAs"),
        }
    }

    fn on_eula(
        &mut self,
        of: &'static str,
        product: &'static str,
        command: &Command,
    ) -> Rule<Expected> {
        let (now, id) = (self.now, self.next_id());
        let Some(found) = self.subject_mut(of).products.get_mut(product) else {
            return not_found("Product", product);
        };
        match command {
            Command::CreateEula { eula, default, versions, .. } => {
                if found.eulas.contains_key(eula) {
                    return refuse(409, format!("Eula '{eula}' already exists"));
                }
                let made = Eula {
                    id,
                    content: "Be good.",
                    created: now,
                    default_since: default.then_some(now),
                    versions: versions.clone(),
                };
                let shown = eula_json(eula, &made, true);
                found.eulas.insert(eula, made);
                told(201, shown)
            }
            Command::SignedEulas(..) => {
                let mut signed: Vec<&Signed> = found.signed.iter().collect();
                signed.reverse();
                let items = signed.iter().map(|signed| {
                    json!({
                        "date_signed": iso(signed.at), "username": signed.username,
                        "product_version_name": signed.version, "eula_name": signed.eula_name,
                    })
                });
                let told = Told::Page(signed.len(), json!({product: items.collect::<Value>()}));
                Ok(Expected { status: 200, told })
            }
            Command::ShowEula(_, _, eula) => match found.eulas.get(eula) {
                Some(kept) => told(200, eula_json(eula, kept, true)),
                None => not_found("Eula", eula),
            },
            Command::PatchEula { eula, default, .. } => {
                let Some(kept) = found.eulas.get_mut(eula) else { return not_found("Eula", eula) };
                kept.content = "Be better.";
                kept.default_since = match default {
                    Some(true) => kept.default_since.or(Some(now)),
                    Some(false) => None,
                    None => kept.default_since,
                };
                super::rules::success(200)
            }
            Command::DeleteEula(_, _, eula) => match found.eulas.remove(eula) {
                Some(_) => deleted(),
                None => not_found("Eula", eula),
            },
            _ => unreachable!("{command:?} is about one EULA"),
        }
    }

    fn file_eula(&self, by: Caller, repo: Repo, path: &str) -> Rule<Expected> {
        Self::signed_in(by)?;
        let file = self.file_for(by, repo, path)?;
        if !self.administers(by, repo.0) {
            return forbidden();
        }
        let Some((product, id)) =
            self.products_with_eula(repo, file.package, file.version).into_iter().next()
        else {
            return refuse_somehow(404);
        };
        let eulas = self.subject(repo.0).products[product].eulas.iter();
        match eulas.into_iter().find(|(_, eula)| eula.id == id) {
            Some((name, eula)) => told(200, eula_json(name, eula, true)),
            None => refuse_somehow(404),
        }
    }

    /// Whoever may download something of the version can accept.
    fn accept(
        &mut self,
        by: Caller,
        of: &'static str,
        product: &'static str,
        version: &'static str,
    ) -> Rule<Expected> {
        Self::signed_in(by)?;
        let Some(found) = self.subject(of).products.get(product) else {
            return not_found("Product", product);
        };
        let mut eula = None;
        for (repo, package, _) in &found.packages {
            let repo = Repo(of, repo);
            let Some(kept) = self.version(repo, package, version) else { continue };
            let files = self.visible_files(by, repo, false);
            let downloads =
                files.iter().any(|(_, file)| (file.package, file.version) == (*package, version));
            if downloads || self.sees(by, Target::version(repo, package, version)) {
                let of_version = Self::eula_of(found, version, kept);
                eula = eula.or(of_version.map(|(name, eula)| (name.to_owned(), eula.id)));
            }
        }
        let Some((name, id)) = eula else { return not_found("Eula", version) };
        let eula_name = super::world::EULAS.into_iter().find(|of| *of == name).unwrap_or("");
        let (at, signer, username) = (self.now, self.signer(by), username(by));
        if let Some(found) = self.subject_mut(of).products.get_mut(product) {
            let again = found.signed.iter().any(|signed| {
                (signed.signer, signed.version, signed.eula) == (signer, version, id)
            });
            if !again {
                found.signed.push(Signed { at, signer, username, version, eula: id, eula_name });
            }
        }
        Ok(Expected { status: 200, told: Told::Anything })
    }
}

fn package_name(name: &str) -> &'static str {
    super::world::PACKAGES.into_iter().find(|known| *known == name).unwrap_or("")
}

fn username(by: Caller) -> String {
    match by {
        Caller::Key(of, key) => format!("{key}@{of}"),
        Caller::User(user) => user.to_owned(),
        Caller::Admin => "admin".to_owned(),
        Caller::Nobody => String::new(),
    }
}

fn eula_json(name: &str, eula: &Eula, whole: bool) -> Value {
    let mut shown = json!({"name": name, "created": iso(eula.created), "versions": eula.versions});
    if whole {
        shown["syntax"] = json!("MARKDOWN");
        shown["content"] = json!(eula.content);
        shown["default"] = json!(eula.default_since.is_some());
    }
    shown
}
