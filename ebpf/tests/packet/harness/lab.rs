// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A host with a client's side and a pod's side, in a namespace of its own.

use std::fs;

use blixt_ebpf::layout::{DEVICE_OUTWARD, DEVICE_PEER, Device};

use super::{
    cpu::stay_on_this_cpu,
    early::Early,
    ends::Ends,
    namespace::{Namespace, ip},
    object::Object,
    outcome::Outcome,
    pool::{POOL, TELLING},
    test_run::Summed,
    wire::Wire,
};
use crate::build::{Mac, Packet};

/// Whether the host forwards by itself, and so answers bpf_fib_lookup().
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    On,
    Off,
}

/// An interface of the host and who is behind it.
#[derive(Clone, Debug)]
pub struct Port {
    pub ifindex: u32,
    pub mac: Mac,
    /// Of the router, the pod or the other node.
    pub neighbour: Mac,
}

pub struct Lab {
    pub object: Object,
    /// To the router behind which clients are.
    pub out: Port,
    /// To the pod that has every local backend's address.
    pub pod: Port,
    /// To another node, through which 10.1.0.0/16 and 2001:db8:b::/48 are reached,
    /// and a third one behind it in 172.29.0.0/16 and 2001:db8:29::/48.
    pub node: Port,
    summed: Summed,
    chain: Chain,
    /// Where the other ends of the links are, under the same names.
    outside: Namespace,
}

/// Addresses are on-link at the pod, behind the router and behind the node.
/// Neighbours are permanent except that of 10.0.0.9 and 2001:db8:a::9, which
/// nobody knows.
const NETWORK: &str = "
addr add 192.0.2.1/24 dev out0
addr add 2001:db8:1::1/64 dev out0 nodad
addr add 172.16.0.1/24 dev node0
addr add 2001:db8:2::1/64 dev node0 nodad
neigh add 192.0.2.2 lladdr 02:1b:4c:87:01:02 dev out0 nud permanent
neigh add 2001:db8:1::2 lladdr 02:1b:4c:87:01:02 dev out0 nud permanent
neigh add 172.16.0.2 lladdr 02:1b:4c:87:03:02 dev node0 nud permanent
neigh add 2001:db8:2::2 lladdr 02:1b:4c:87:03:02 dev node0 nud permanent
neigh add 10.0.0.2 lladdr 02:1b:4c:87:02:02 dev pod0 nud permanent
neigh add 10.0.0.3 lladdr 02:1b:4c:87:02:02 dev pod0 nud permanent
neigh add 2001:db8:a::2 lladdr 02:1b:4c:87:02:02 dev pod0 nud permanent
neigh add 2001:db8:a::3 lladdr 02:1b:4c:87:02:02 dev pod0 nud permanent
route add 198.51.100.0/24 via 192.0.2.2
route add 2001:db8:c::/48 via 2001:db8:1::2
route add 10.0.0.0/24 dev pod0
route add 2001:db8:a::/48 dev pod0
route add 10.1.0.0/16 via 172.16.0.2
route add 2001:db8:b::/48 via 2001:db8:2::2
route add 172.29.0.0/16 via 172.16.0.2
route add 2001:db8:29::/48 via 2001:db8:2::2
";

/// Of the host's interfaces.
const FIRST_INDEX: u32 = 100;

/// Which programs a received frame meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// `ingress`.
    Ingress,
    /// `early`, and what that passes on, `ingress`: nobody outside may see a difference.
    EarlyFirst,
}

/// Runs `test` on a host with a service at each of [`Ends::all()`], once for each chain.
pub fn with_lab(forwarding: Forwarding, mut test: impl FnMut(&mut Lab) + Send) {
    for chain in [Chain::Ingress, Chain::EarlyFirst] {
        println!("{chain:?}");
        with_chain(chain, forwarding, &mut test);
    }
}

/// Runs `test` as `with_lab` does, with one chain.
pub fn with_chain(chain: Chain, forwarding: Forwarding, test: impl FnOnce(&mut Lab) + Send) {
    POOL.give_back(run(|| POOL.take(), chain, forwarding, test));
}

/// The same with programs whose verdict tells where they redirect a packet to.
pub fn with_telling(forwarding: Forwarding, test: impl FnOnce(&mut Lab) + Send) {
    TELLING.give_back(run(|| TELLING.take(), Chain::Ingress, forwarding, test));
}

/// The same with the object loaded in a way of the test's own, and all of it on one
/// CPU: who makes room in a table that is full depends on the CPU that asks for it.
pub fn with_lab_of(
    load: impl FnOnce() -> Object + Send,
    chain: Chain,
    forwarding: Forwarding,
    test: impl FnOnce(&mut Lab) + Send,
) {
    run(load, chain, forwarding, |lab| {
        stay_on_this_cpu();
        test(lab);
    });
}

/// The same; returns the object, unless the test panics.
fn run(
    load: impl FnOnce() -> Object + Send,
    chain: Chain,
    forwarding: Forwarding,
    test: impl FnOnce(&mut Lab) + Send,
) -> Object {
    let host = Namespace::new()
        .unwrap_or_else(|error| panic!("root alone may make a network namespace: {error}"));
    let outside = Namespace::new().expect("what worked once works twice");
    host.enter(|| {
        let mut lab = Lab::new(load(), outside, forwarding, chain);
        for ends in Ends::all() {
            lab.serve(&ends);
        }
        test(&mut lab);
        lab.object
    })
}

impl Lab {
    fn new(mut object: Object, outside: Namespace, forwarding: Forwarding, chain: Chain) -> Self {
        let out = plug("out0", 1, &outside);
        let pod = plug("pod0", 2, &outside);
        let node = plug("node0", 3, &outside);
        outside.enter(|| ip("link set out0 up\nlink set pod0 up\nlink set node0 up"));
        ip(NETWORK);
        let forward = if forwarding == Forwarding::On {
            "1"
        } else {
            "0"
        };
        for setting in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            let file = format!("/proc/sys/net/{setting}");
            fs::write(file, forward).expect("a namespace of one's own takes settings");
        }
        for (port, flags) in [(&out, DEVICE_OUTWARD), (&pod, DEVICE_PEER), (&node, 0)] {
            let device = Device {
                flags,
                mac: port.mac.0,
                pad: [0; 2],
                master: 0,
            };
            object.put("devices", port.ifindex, device);
        }
        Self {
            object,
            out,
            pod,
            node,
            summed: Summed::No,
            chain,
            outside,
        }
    }

    /// The longest IP packet that the links take, at both ends.
    pub fn set_mtu(&self, mtu: usize) {
        let set = || {
            for name in ["out0", "pod0", "node0"] {
                ip(&format!("link set {name} mtu {mtu}"));
            }
        };
        set();
        self.outside.enter(set);
    }

    /// From now on packets arrive summed up by hardware, and the kernel checks
    /// after the program whether that sum still holds.
    pub fn sum_in_hardware(&mut self) {
        self.summed = Summed::Complete;
    }

    /// The frame as the router sends it to this host.
    pub fn inbound(&self, packet: &Packet) -> Packet {
        packet.clone().macs(self.out.neighbour, self.out.mac)
    }

    /// The frame as the pod sends it to this host.
    pub fn outbound(&self, packet: &Packet) -> Packet {
        packet.clone().macs(self.pod.neighbour, self.pod.mac)
    }

    /// The frame as the other node sends it to this host.
    pub fn across(&self, packet: &Packet) -> Packet {
        packet.clone().macs(self.node.neighbour, self.node.mac)
    }

    /// Receives a packet from the router's side, addressed to this host.
    pub fn client_sends(&self, packet: &Packet) -> Outcome {
        self.receive(&self.out, self.inbound(packet).bytes())
    }

    /// Receives a packet from the pod, addressed to this host.
    pub fn pod_sends(&self, packet: &Packet) -> Outcome {
        self.receive(&self.pod, self.outbound(packet).bytes())
    }

    /// The client's packet arrives at the backend of `at`, otherwise as it was sent.
    #[track_caller]
    pub fn client_reaches(&self, packet: &Packet, at: &Ends) {
        let expected = self.pod.emits(&packet.clone().to(at.backend).hop());
        self.client_sends(packet).is_redirected_as(&expected);
    }

    /// The backend's reply arrives at the client as one of the service.
    #[track_caller]
    pub fn reply_comes_back(&self, ends: &Ends) {
        let expected = self.out.emits(&ends.reply().from(ends.service).hop());
        self.pod_sends(&ends.reply()).is_redirected_as(&expected);
    }

    /// Begins a flow.
    #[track_caller]
    pub fn begin(&self, ends: &Ends) {
        assert!(
            self.client_sends(&ends.opening()).was_redirected(),
            "no flow begins: {ends}"
        );
    }

    /// Attaches the program to the links, and gives the other ends of those to
    /// the router and to the pod.
    pub fn attach(&mut self) -> (Wire, Wire) {
        for name in ["out0", "pod0"] {
            self.object.attach(name);
        }
        let open = |name| Wire::open(name).expect("root may have a packet socket");
        self.outside.enter(|| (open("out0"), open("pod0")))
    }

    /// Attaches `early` to the links to the router and to the node. Their other ends
    /// get it too, where it takes no frame for its own: the kernel wakes no other end
    /// of a veth for what is sent back.
    pub fn attach_early(&mut self) {
        for name in ["out0", "node0"] {
            self.object.attach_early(name);
            self.outside.enter(|| self.object.attach_early(name));
        }
    }

    /// The router's end of the link to it.
    pub fn router_wire(&self) -> Wire {
        let open = || Wire::open("out0").expect("root may have a packet socket");
        self.outside.enter(open)
    }

    /// The other node's end of the link to it.
    pub fn node_wire(&self) -> Wire {
        let open = || Wire::open("node0").expect("root may have a packet socket");
        self.outside.enter(open)
    }

    /// What `early` alone does with a frame.
    pub fn early(&self, port: &Port, frame: Vec<u8>) -> Early {
        let run = self.object.run_early(&frame, port.ifindex);
        let run = run.unwrap_or_else(|error| panic!("the run failed: {error}"));
        Early {
            action: run.action,
            sent: frame,
            frame: run.frame,
        }
    }

    pub fn receive(&self, port: &Port, frame: Vec<u8>) -> Outcome {
        if self.chain == Chain::EarlyFirst
            && let Some(outcome) = self.early(port, frame.clone()).verdict()
        {
            return outcome;
        }
        let run = self.object.run(&frame, port.ifindex, self.summed);
        let run = run.unwrap_or_else(|error| panic!("the run failed: {error}"));
        Outcome {
            action: run.action,
            sent: frame,
            frame: run.frame,
        }
    }
}

/// Makes a veth pair of the host and the outside, both ends with this name. The
/// host's has an index that is no verdict's number.
fn plug(name: &str, number: u8, outside: &Namespace) -> Port {
    let [mac, neighbour] = [1, 2].map(|side| Mac([0x02, 0x1b, 0x4c, 0x87, number, side]));
    let far = outside.path();
    let index = FIRST_INDEX + u32::from(number);
    ip(&format!(
        "link add {name} index {index} address {mac} type veth peer name {name} address {neighbour} netns {far}\n\
         link set {name} up"
    ));
    let terminated = format!("{name}\0");
    // SAFETY: the name ends with a zero and outlives the call.
    let ifindex = unsafe { libc::if_nametoindex(terminated.as_ptr().cast()) };
    assert_ne!(ifindex, 0, "ip made {name}");
    Port {
        ifindex,
        mac,
        neighbour,
    }
}

impl Port {
    /// The packet as it leaves here for the neighbour.
    pub fn emits(&self, packet: &Packet) -> Packet {
        packet.clone().macs(self.mac, self.neighbour)
    }
}
