//! Who signed a URL: it holds for as long as they could sign it anew.

use serde::{Deserialize, Serialize};

use super::given::is_given;
use crate::Result;
use crate::access::{Caller, Identity, Origin, act, is_still_good};
use crate::engine::Packhouse;
use crate::model::files::File;
use crate::model::subjects::{Subject, SubjectKind};
use crate::model::{AccessKeyId, SubjectId};
use crate::names::{AccessKeyName, FileLocation, SubjectName};
use crate::work::Work;

/// Who signed, and what they had to be allowed. It travels in the URL, sealed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Signer {
    who: Who,
    needs: Needs,
}

/// What a signer had to be allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Needs {
    /// To publish the file.
    Publish,
    /// To download it.
    Read,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    User { id: SubjectId, name: SubjectName },
    Key { id: AccessKeyId, name: AccessKeyName, subject: SubjectName },
    Anyone,
}

impl Signer {
    pub(super) fn new(caller: &Caller, needs: Needs) -> Self {
        let who = match caller.identity().clone() {
            Identity::User { id, name } => Who::User { id, name },
            Identity::AccessKey { id, name, subject } => Who::Key { id, name, subject },
            // Nothing is signed for them but what everyone may download.
            Identity::Anonymous | Identity::SignedUrl(_) | Identity::System(_) => Who::Anyone,
        };
        Self { who, needs }
    }

    /// Whether the signer is still there and may still sign, as the records say now. Of a file that
    /// is not there nothing is said: there is nothing to keep from anyone.
    pub(super) async fn may_still(
        &self,
        packhouse: &Packhouse,
        location: &FileLocation,
    ) -> Result<bool> {
        if !self.is_there(packhouse).await? {
            return Ok(false);
        }
        let identity = match self.who.clone() {
            Who::User { id, name } => Identity::User { id, name },
            Who::Key { id, name, subject } => Identity::AccessKey { id, name, subject },
            Who::Anyone => Identity::Anonymous,
        };
        let caller = Caller::supposed(identity, Origin::default());
        let given = match self.needs {
            Needs::Publish => {
                is_given(packhouse.permit::<act::Publish, _>(&caller, location).await)
            }
            Needs::Read => is_given(packhouse.permit::<act::Read, _>(&caller, location).await),
        };
        Ok(given? || !Work::new(packhouse).exists(File::key_of(location)).await?)
    }

    async fn is_there(&self, packhouse: &Packhouse) -> Result<bool> {
        match &self.who {
            Who::User { id, name } => {
                let user = Work::new(packhouse).find::<Subject>(Subject::key_of(name)).await?;
                Ok(user.is_some_and(|user| user.id == *id && user.kind == SubjectKind::User))
            }
            // Where it is used from counts for whoever uses it, and a URL is used from elsewhere.
            Who::Key { id, name, subject } => is_still_good(packhouse, subject, name, *id).await,
            Who::Anyone => Ok(true),
        }
    }
}
