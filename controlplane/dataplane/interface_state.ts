// SPDX-License-Identifier: Apache-2.0

import type { LoaderClient } from "../loader/client.ts";
import { type Chain, HOOK, type Interface, type LoadedObject } from "../loader/messages.ts";
import { outwardOf } from "./devices.ts";
import { describeChain, readChains } from "./neighbours.ts";
import type { DeviceValue } from "./operation.ts";
import { isEarly, xdpChoice } from "./xdp.ts";

/** An interface that Blixt knows, and what hangs there. */
export interface InterfaceState {
  readonly ifindex: number;
  readonly name: string;
  /** Whether it faces clients. */
  readonly outward: boolean;
  readonly tcx: boolean;
  readonly xdp: boolean;
  /** The programs at its TCX ingress hook, in order; others' by their id. */
  readonly programs: string;
  /** Why XDP is used there or not. */
  readonly reason: string;
}

/** Reads the interfaces through the loader, by index. */
export async function readInterfaces(
  client: LoaderClient,
  object: Pick<LoadedObject, "attachments" | "refused">,
  devices: ReadonlyMap<number, DeviceValue>,
  signal?: AbortSignal,
): Promise<InterfaceState[]> {
  for await (const { interfaces } of client.watch({ signal })) {
    const chains = await readChains(client, [...devices.keys()], signal);
    return interfaceStates(interfaces, object, devices, chains);
  }
  return [];
}

/** Makes states of what was read. */
export function interfaceStates(
  interfaces: readonly Interface[],
  { attachments, refused }: Pick<LoadedObject, "attachments" | "refused">,
  devices: ReadonlyMap<number, DeviceValue>,
  chains: ReadonlyMap<number, Chain>,
): InterfaceState[] {
  const outward = outwardOf(devices);
  const known = interfaces.filter(({ ifindex }) => devices.has(ifindex));
  return known.map((device) => {
    const { ifindex, name } = device;
    const here = attachments.filter((attachment) => attachment.ifindex === ifindex);
    const xdp = here.some(isEarly);
    const refusal = refused.find(({ attachment }) => attachment.ifindex === ifindex && isEarly(attachment));
    return {
      ifindex,
      name,
      outward: outward.has(ifindex),
      tcx: here.some(({ hook }) => hook === HOOK.TCX_INGRESS),
      xdp,
      programs: describeChain(chains.get(ifindex) ?? { links: [] }),
      reason: outward.has(ifindex)
        ? refusal?.error ?? reasonFor(device, interfaces, xdp)
        : "faces no clients",
    };
  });
}

/** The option is not in the kernel, but where what hangs is not what "auto" chooses it can only be one of the others. */
function reasonFor(device: Interface, interfaces: readonly Interface[], xdp: boolean): string {
  const auto = xdpChoice(device, interfaces, "auto");
  return auto.wanted === xdp ? auto.reason : xdpChoice(device, interfaces, xdp ? "on" : "off").reason;
}
