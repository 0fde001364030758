//! Downloads: finding a file that the caller may have, and opening its bytes.

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};

use crate::access::{Caller, FilePlace, Permit, act, check_again};
use crate::blobs::{BlobBody, BlobError, BlobErrorKind, BlobReader, ByteRange};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::names::FileLocation;
use crate::usecases::{eulas, restrictions, verified};
use crate::{ErrorKind, Result, Timestamp};

/// Finds a file that the caller may download from where it is, and whose EULA it accepted if it has
/// one. One read of the store; a few more for files of products.
///
/// Implements the Bintray REST API, "Download Content".
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] for anonymous callers wherever credentials could help, an
/// unpublished file among it; [`ErrorKind::NotFound`] for others who may not know of it;
/// [`ErrorKind::Restricted`]; [`ErrorKind::EulaNotAccepted`].
pub async fn find(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
) -> Result<Permit<act::Read, FilePlace>> {
    let permit = packhouse.permit(caller, location).await?;
    admit(packhouse, &permit).await?;
    Ok(permit)
}

/// What is asked of every download besides the permit, and after it.
async fn admit(packhouse: &Packhouse, permit: &Permit<act::Read, FilePlace>) -> Result<()> {
    restrictions::admit(packhouse, &permit.place().repo, permit.caller().origin())?;
    eulas::check_accepted(packhouse, permit).await
}

/// Opens some of a file's bytes. The first time since the start that a blob is read whole it is
/// compared with its checksum: what is not right never ends as a whole answer. Small ones that are
/// read often are then in memory ([`crate::Limits::hot_bytes`]). While they are streamed the permit is
/// asked for again every few seconds ([`crate::Limits::recheck_every`]), and the stream fails when it
/// is no longer given.
///
/// # Errors
/// [`ErrorKind::Unavailable`] where the bytes that a record names cannot be opened.
pub async fn open(
    packhouse: &Packhouse,
    permit: &Permit<act::Read, FilePlace>,
    range: ByteRange,
) -> Result<BlobReader> {
    let file = &permit.place().file;
    let (blob, verified) = (file.contents.blob, packhouse.verified());
    if let Some(reader) = verified.open(blob, range)? {
        return Ok(reader);
    }
    let BlobReader { length, body } = packhouse.blobs().open(&blob, range).await?.exact()?;
    let whole = range.start == 0 && length == file.contents.size && length > 0;
    let body = match body {
        body if whole && !verified.holds(blob) => verified::verify(packhouse, file, body)?,
        BlobBody::Bytes(bytes) if whole => {
            verified.keep(blob, &bytes);
            BlobBody::Bytes(bytes)
        }
        body => body,
    };
    let body = match body {
        BlobBody::Bytes(bytes) => BlobBody::Bytes(bytes),
        BlobBody::Stream(stream) => BlobBody::Stream(watched(packhouse, permit, stream)),
    };
    Ok(BlobReader { length, body })
}

type Chunks = BoxStream<'static, Result<Bytes, BlobError>>;

fn watched(packhouse: &Packhouse, permit: &Permit<act::Read, FilePlace>, stream: Chunks) -> Chunks {
    let watch = Watch {
        packhouse: packhouse.clone(),
        caller: permit.caller().clone(),
        location: permit.place().file.location(),
        checked: packhouse.now(),
    };
    futures::stream::unfold(Some((watch, stream)), |state| async {
        let (mut watch, mut stream) = state?;
        let chunk = stream.next().await?;
        match watch.check().await {
            Ok(()) => Some((chunk, Some((watch, stream)))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// What a permit of a long stream rests on.
struct Watch {
    packhouse: Packhouse,
    caller: Caller,
    location: FileLocation,
    checked: Timestamp,
}

impl Watch {
    async fn check(&mut self) -> Result<(), BlobError> {
        let now = self.packhouse.now();
        // A clock that was set back must not keep the permit alive.
        let fresh = now.since(self.checked) < self.packhouse.limits().recheck_every;
        if now >= self.checked && fresh {
            return Ok(());
        }
        self.checked = now;
        let goes_on = goes_on(&self.packhouse, &self.caller, &self.location).await;
        goes_on.map_err(|error| {
            BlobErrorKind::Unavailable.because("the permit ended").with_source(error)
        })
    }
}

/// Asks again for the permit of a download that has begun, between several ranges of one answer.
///
/// # Errors
/// Why the caller may not have the file any more.
pub async fn check(packhouse: &Packhouse, permit: &Permit<act::Read, FilePlace>) -> Result<()> {
    goes_on(packhouse, permit.caller(), &permit.place().file.location()).await
}

/// A download that began before its file was deleted or replaced goes on to its end, and so does
/// one while the store cannot answer.
async fn goes_on(packhouse: &Packhouse, caller: &Caller, location: &FileLocation) -> Result<()> {
    let good = async {
        check_again(packhouse, caller).await?;
        find(packhouse, caller, location).await
    };
    match good.await {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            ErrorKind::NotFound(Noun::File) | ErrorKind::Unavailable => Ok(()),
            _ => Err(error),
        },
    }
}
