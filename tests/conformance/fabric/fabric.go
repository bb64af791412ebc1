// SPDX-License-Identifier: Apache-2.0

// Package fabric takes nodes away from a cluster of `deno task cluster`, whose
// nodes are network namespaces at a bridge in another one.
package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"
)

// Fabric implements tests.Nodes. Its methods run `ip` and need root.
type Fabric struct {
	// Netns is the network namespace of the bridge, under /run/netns. The port of
	// a node is called "to-" and the node's name.
	Netns string
	// Nodes has the network namespace of each node, by the node's name.
	Nodes map[string]string
}

// ParseNodes reads "n1=NETNS,n2=NETNS".
func ParseNodes(text string) (map[string]string, error) {
	nodes := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		node, netns, ok := strings.Cut(pair, "=")
		if !ok || node == "" || netns == "" {
			return nil, fmt.Errorf("%q is not of the form NODE=NETNS", pair)
		}
		nodes[node] = netns
	}
	return nodes, nil
}

// Announcing finds the node by the link-layer address that answers for the
// address in the present network namespace.
func (f Fabric) Announcing(ctx context.Context, address string) (string, error) {
	neighbour, err := linkLayerAddress(ctx, address)
	if err != nil {
		return "", err
	}
	for node, netns := range f.Nodes {
		var links []struct {
			Address string `json:"address"`
		}
		if err := readIP(ctx, &links, "-n", netns, "link", "show", "eth0"); err != nil {
			return "", err
		}
		if len(links) == 1 && links[0].Address == neighbour {
			return node, nil
		}
	}
	return "", fmt.Errorf("%s is at %s, which is no node's", address, neighbour)
}

// Fail pulls the node's cable.
func (f Fabric) Fail(ctx context.Context, node string) error {
	return f.set(ctx, node, "down")
}

// Restore plugs it in again.
func (f Fabric) Restore(ctx context.Context, node string) error {
	return f.set(ctx, node, "up")
}

func (f Fabric) set(ctx context.Context, node, state string) error {
	if _, ok := f.Nodes[node]; !ok {
		return fmt.Errorf("there is no node %s", node)
	}
	_, err := runIP(ctx, "-n", f.Netns, "link", "set", "to-"+node, state)
	return err
}

// linkLayerAddress asks the neighbour table, having had the kernel look the
// address up.
func linkLayerAddress(ctx context.Context, address string) (string, error) {
	var neighbours []struct {
		LinkLayer string `json:"lladdr"`
	}
	for range 30 {
		// Any datagram makes the kernel resolve its next hop; port 9 is discard.
		if socket, err := net.Dial("udp", net.JoinHostPort(address, "9")); err == nil {
			_, err := socket.Write([]byte{0})
			if err := errors.Join(err, socket.Close()); err != nil {
				return "", err
			}
		}
		if err := readIP(ctx, &neighbours, "neighbour", "show", address); err != nil {
			return "", err
		}
		if len(neighbours) == 1 && neighbours[0].LinkLayer != "" {
			return neighbours[0].LinkLayer, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "", fmt.Errorf("nobody answers for %s", address)
}

// readIP runs `ip -json` and decodes what it says.
func readIP(ctx context.Context, into any, args ...string) error {
	output, err := runIP(ctx, append([]string{"-json"}, args...)...)
	if err != nil {
		return err
	}
	// It says nothing at all for an empty list.
	if len(output) == 0 {
		return nil
	}
	return json.Unmarshal(output, into)
}

func runIP(ctx context.Context, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "ip", args...)
	output, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("%v: %w: %s", command, err, failed.Stderr)
	}
	return output, err
}
