//! The sockets of one host's apps by their names.

use faultwire_base::LookupTable;
use faultwire_host::{ConnectionId, Fd};
use faultwire_link::NameId;
use faultwire_wire::Flow;

use crate::oracle::laws::ConversationIndex;

/// A socket that has a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    pub(crate) fd: Fd,
    pub(crate) connection: Option<(ConnectionId, Flow)>,
    /// The conversation in the laws, looked up once.
    pub(crate) conversation: Option<ConversationIndex>,
    /// The connection's log, looked up at the first read.
    pub(crate) log: Option<u32>,
    /// Octets written (or datagrams' octets sent) so far: the offset in the generated stream.
    pub(crate) written: u64,
    pub(crate) read: u64,
    /// Local port of a UDP socket.
    pub(crate) port: u16,
    pub(crate) timestamps: bool,
}

/// Where a name's binding is kept. It stays the same as long as the host lives, whatever the name means then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketIndex(u32);

/// Names that have been opened, and what they mean now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sockets {
    indices: LookupTable<NameId, u32>,
    /// `None` for a name whose socket was closed.
    bindings: Vec<Option<Binding>>,
}

impl Sockets {
    /// Forgets all names.
    pub(crate) fn clear(&mut self) {
        self.indices.clear();
        self.bindings.clear();
    }

    /// Whether a socket of this name was ever opened.
    pub(crate) fn was_opened(&self, name: NameId) -> bool {
        self.indices.contains(&name)
    }

    /// Where the binding of a name is kept, once it was opened.
    pub(crate) fn index(&self, name: NameId) -> Option<SocketIndex> {
        self.indices.get(&name).map(|&index| SocketIndex(index))
    }

    /// The binding kept there.
    #[inline]
    pub(crate) fn at_mut(&mut self, index: SocketIndex) -> Option<&mut Binding> {
        self.bindings.get_mut(index.0 as usize)?.as_mut()
    }

    pub(crate) fn get(&self, name: NameId) -> Option<&Binding> {
        self.bindings.get(*self.indices.get(&name)? as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, name: NameId) -> Option<&mut Binding> {
        self.bindings.get_mut(*self.indices.get(&name)? as usize)?.as_mut()
    }

    pub(crate) fn insert(&mut self, name: NameId, binding: Binding) {
        let next = self.bindings.len() as u32;
        let index = *self.indices.entry_or_insert_with(name, || next);
        if index == next {
            self.bindings.push(None);
        }
        self.bindings[index as usize] = Some(binding);
    }

    /// The name means nothing any more.
    pub(crate) fn remove(&mut self, name: NameId) -> Option<Binding> {
        self.bindings.get_mut(*self.indices.get(&name)? as usize)?.take()
    }
}
