// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"

	"sigs.k8s.io/gateway-api/conformance/echo-basic/udpechoserver"
	"sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/tcp"
	"sigs.k8s.io/gateway-api/conformance/utils/tlog"
)

// How long one flow waits for an answer. Backends are in the cluster and idle;
// TCP may have lost its first SYN, which is sent again after a second.
const (
	tcpPatience = 2 * time.Second
	udpPatience = time.Second
)

// refused stands for a backend's name where a flow got no backend.
const refused = "refused"

// flow opens a new flow to an address and gives the name of the pod that
// answers it, or the way in which nobody did.
type flow func(ctx context.Context, address string) (pod string, err error)

// tcpFlow opens a TCP connection from a port of its own.
func tcpFlow(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tcpPatience)
	defer cancel()
	return tcp.EchoSendOnce(ctx, address, tcpPatience)
}

// udpFlow sends one datagram from a port of its own.
func udpFlow(ctx context.Context, address string) (string, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, "udp", address)
	if err != nil {
		return "", fmt.Errorf("dialing %s: %w", address, err)
	}
	defer connection.Close()
	return udpExchange(connection, "layer 4")
}

// udpExchange sends one datagram over a socket that is there already.
func udpExchange(connection net.Conn, payload string) (string, error) {
	if err := connection.SetDeadline(time.Now().Add(udpPatience)); err != nil {
		return "", err
	}
	if _, err := connection.Write([]byte(payload)); err != nil {
		return "", fmt.Errorf("writing: %w", err)
	}
	buffer := make([]byte, 4096)
	length, err := connection.Read(buffer)
	if err != nil {
		return "", fmt.Errorf("reading: %w", err)
	}
	answer := udpechoserver.EchoResponse{}
	if err := json.Unmarshal(buffer[:length], &answer); err != nil {
		return "", fmt.Errorf("decoding %q: %w", buffer[:length], err)
	}
	return answer.Pod, nil
}

// isRejected tells whether a TCP connection was rejected actively: by a reset
// in place of the handshake, or, as proxies do it, right after that.
func isRejected(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}

// isDropped tells whether a datagram was dropped: neither answer nor ICMP error.
func isDropped(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// eventually waits until a function has nothing to complain of.
func eventually(t *testing.T, timeouts config.TimeoutConfig, what string, complaint func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, timeouts.MaxTimeToConsistency, true,
		func(ctx context.Context) (bool, error) {
			last = complaint(ctx)
			return last == nil, nil
		})
	require.NoErrorf(t, err, "%s: %v", what, last)
	tlog.Logf(t, "%s", what)
}

// eventuallyAnswered waits until a pod of that Deployment answers.
func eventuallyAnswered(t *testing.T, timeouts config.TimeoutConfig, open flow, address, backend string) {
	t.Helper()
	eventually(t, timeouts, fmt.Sprintf("%s is answered by %s", address, backend), func(ctx context.Context) error {
		pod, err := open(ctx, address)
		if err != nil {
			return err
		}
		if name := deploymentOf(pod); name != backend {
			return fmt.Errorf("%s answered", name)
		}
		return nil
	})
}

// inARow is how many flows in succession settle how flows fare.
const inARow = 5

// flowsMustBecome opens flows one after the other, without pause, until some in
// a row are as wanted. Until then they may be answered or refused; one that
// fails in another way fails the test.
func flowsMustBecome(t *testing.T, timeouts config.TimeoutConfig, p protocol, address, what string, wanted func(pod string) bool) {
	t.Helper()
	start := time.Now()
	for good, last := 0, ""; good < inARow; {
		if time.Since(start) > timeouts.MaxTimeToConsistency {
			t.Fatalf("flows to %s are not %s after %v, but %s", address, what, timeouts.MaxTimeToConsistency, last)
		}
		pod, err := p.open(t.Context(), address)
		switch {
		case err == nil:
			last = pod
		case p.isRefused(err):
			last = refused
		default:
			t.Fatalf("a flow to %s is neither answered nor refused: %v", address, err)
		}
		if good++; !wanted(last) {
			good = 0
		}
	}
	tlog.Logf(t, "flows to %s are %s after %v", address, what, time.Since(start))
}

// isRefusedFlow and isAnswered are for flowsMustBecome.
func isRefusedFlow(pod string) bool { return pod == refused }
func isAnswered(pod string) bool    { return pod != refused }

// withPort gives an address with another port.
func withPort(address, port string) string {
	host, _, _ := net.SplitHostPort(address)
	return net.JoinHostPort(host, port)
}
