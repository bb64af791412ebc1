// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The flow tables, one interface over both address families.

use core::{mem::transmute, ptr};

use aya_ebpf::bindings::{BPF_ANY, BPF_NOEXIST};
use blixt_ebpf::layout::{Address, Flow, FlowKey4, FlowKey6, Pending};

use crate::{
    hairpin::is_hairpin,
    maps::{FLOW4, FLOW6, PENDING4, PENDING6},
    snat,
};

/// `Tuple::protocol` of none that has an entry.
pub const NO_PROTOCOL: u32 = 0;

/// Both ends of a packet, as it is looked up: a `FlowKey6` as it stands.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Tuple {
    pub saddr: Address,
    pub daddr: Address,
    /// Network byte order.
    pub sport: u16,
    /// Network byte order.
    pub dport: u16,
    /// A whole word, so that no padding has to be zeroed.
    pub protocol: u32,
}

const _: () = assert!(size_of::<Tuple>() == size_of::<FlowKey6>());

impl Tuple {
    #[inline(always)]
    pub fn protocol(&self) -> u8 {
        self.protocol as u8
    }

    /// Whether both ends have one address.
    #[inline(always)]
    pub fn is_within(&self) -> bool {
        // The last word differs most.
        self.saddr[3] == self.daddr[3] && self.saddr == self.daddr
    }

    /// Takes both ports as they stand in a packet. In one store: the kernel reads them
    /// as one word of the key, and would wait for two to reach the cache.
    #[inline(always)]
    pub fn set_ports(&mut self, ports: u32) {
        // SAFETY: both are plain data, one behind the other, and begin at a word.
        unsafe { *(&raw mut self.sport).cast::<u32>() = ports };
    }

    #[inline(always)]
    fn ports(&self) -> u32 {
        // SAFETY: as in `set_ports`.
        unsafe { *(&raw const self.sport).cast::<u32>() }
    }

    /// The tuple of packets the other way, which the far end has under another
    /// name: of a client's packet with its backend, the backend's replies; of a
    /// reply with its service, the client's packets.
    #[inline(always)]
    pub fn twin(&self, other: &Address, port: u16, forward: bool) -> Self {
        if forward {
            Self {
                saddr: *other,
                daddr: self.saddr,
                sport: port,
                dport: self.sport,
                protocol: self.protocol,
            }
        } else {
            Self {
                saddr: self.daddr,
                daddr: *other,
                sport: self.dport,
                dport: port,
                protocol: self.protocol,
            }
        }
    }

    /// The twin of a packet of this flow; of protocol NO_PROTOCOL when the table forgot
    /// what the other end is called.
    #[inline(always)]
    pub fn twin_in<const V6: bool>(&self, flow: &Flow) -> Self {
        let forward = flow.is_forward();
        let mut twin = self.twin(&flow.address, flow.port, forward);
        if flow.is_snat() {
            snat::rename::<V6>(self, &mut twin, forward);
        } else if is_hairpin(self, flow) {
            // Who is on both ends has one address, the service's is the other.
            if forward {
                twin.daddr = self.daddr;
            } else {
                twin.saddr = self.saddr;
            }
        }
        twin
    }

    #[inline(always)]
    fn key4(&self) -> FlowKey4 {
        // SAFETY: four words of plain data either way.
        unsafe { transmute([self.saddr[3], self.daddr[3], self.ports(), self.protocol]) }
    }

    #[inline(always)]
    fn key6(&self) -> &FlowKey6 {
        // SAFETY: of one layout, as asserted above; both are plain data.
        unsafe { &*ptr::from_ref(self).cast() }
    }
}

/// The entry that packets of this tuple find, of a flow that is no more pending.
#[inline(always)]
pub fn find<const V6: bool>(tuple: &Tuple) -> Option<*mut Flow> {
    if V6 {
        FLOW6.get_ptr_mut(tuple.key6())
    } else {
        FLOW4.get_ptr_mut(tuple.key4())
    }
}

/// The entry of a pending flow.
#[inline(always)]
pub fn pending<const V6: bool>(tuple: &Tuple) -> Option<*mut Pending> {
    if V6 {
        PENDING6.get_ptr_mut(tuple.key6())
    } else {
        PENDING4.get_ptr_mut(tuple.key4())
    }
}

/// The entry of a flow, pending or not; null when there is none. A tuple has one.
#[inline(never)]
pub fn find_any<const V6: bool>(tuple: &Tuple) -> *mut Flow {
    match find::<V6>(tuple) {
        Some(flow) => flow,
        None => pending::<V6>(tuple).map_or(ptr::null_mut(), <*mut Pending>::cast),
    }
}

/// Writes an entry over whatever is there.
#[inline(always)]
pub fn put<const V6: bool>(tuple: &Tuple, flow: &Flow) {
    // A full LRU table makes room by itself; what can fail is memory, and then
    // the next packet of the flow comes here again.
    let _ = if V6 {
        FLOW6.insert(tuple.key6(), flow, BPF_ANY.into())
    } else {
        FLOW4.insert(tuple.key4(), flow, BPF_ANY.into())
    };
}

/// The same of a pending flow; what an older one has in the other table goes.
#[inline(always)]
pub fn put_pending<const V6: bool>(tuple: &Tuple, entry: &Pending) {
    if find::<V6>(tuple).is_some() {
        remove::<V6>(tuple);
    }
    let _ = if V6 {
        PENDING6.insert(tuple.key6(), entry, BPF_ANY.into())
    } else {
        PENDING4.insert(tuple.key4(), entry, BPF_ANY.into())
    };
}

/// Writes an entry where there is none; one that another CPU just wrote stays.
#[inline(always)]
pub fn restore<const V6: bool>(tuple: &Tuple, flow: &Flow) {
    let _ = if V6 {
        FLOW6.insert(tuple.key6(), flow, BPF_NOEXIST.into())
    } else {
        FLOW4.insert(tuple.key4(), flow, BPF_NOEXIST.into())
    };
}

/// The same of a pending flow; whether it was written.
#[inline(always)]
pub fn restore_pending<const V6: bool>(tuple: &Tuple, entry: &Pending) -> bool {
    let done = if V6 {
        PENDING6.insert(tuple.key6(), entry, BPF_NOEXIST.into())
    } else {
        PENDING4.insert(tuple.key4(), entry, BPF_NOEXIST.into())
    };
    done.is_ok()
}

/// Removes an entry of a flow that is no more pending, if there is one.
#[inline(always)]
fn remove<const V6: bool>(tuple: &Tuple) {
    let _ = if V6 {
        FLOW6.remove(tuple.key6())
    } else {
        FLOW4.remove(tuple.key4())
    };
}

/// Removes an entry of a pending flow, if there is one.
#[inline(always)]
pub fn remove_pending<const V6: bool>(tuple: &Tuple) {
    let _ = if V6 {
        PENDING6.remove(tuple.key6())
    } else {
        PENDING4.remove(tuple.key4())
    };
}

/// Removes an entry wherever it is.
#[inline(never)]
pub fn remove_any<const V6: bool>(tuple: &Tuple) {
    remove::<V6>(tuple);
    remove_pending::<V6>(tuple);
}
