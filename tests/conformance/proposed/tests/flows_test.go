// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net"
	"testing"
	"time"

	"sigs.k8s.io/gateway-api/conformance/echo-basic/tcpserver"
	"sigs.k8s.io/gateway-api/conformance/utils/config"
)

// echoTCP answers as the suite's TCP echo server does, until the test is over.
func echoTCP(t *testing.T, pod string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				fmt.Fprint(connection, tcpserver.WelcomeMessage)
				for word := ""; ; {
					if _, err := fmt.Fscanln(connection, &word); err != nil {
						return
					}
					switch word {
					case "TEST":
						fmt.Fprintf(connection, "{\"pod\": %q}\n", pod)
					case "PING":
						fmt.Fprintln(connection, "PONG")
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// socketUDP receives datagrams and answers with `answer`, or not at all where it is empty.
func socketUDP(t *testing.T, answer string) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		buffer := make([]byte, 100)
		for {
			_, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer != "" {
				socket.WriteTo([]byte(answer), from)
			}
		}
	}()
	return socket.LocalAddr().String()
}

// closed is an address at which nobody listens.
func closed(t *testing.T, network string) string {
	t.Helper()
	if network == "tcp" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		return listener.Addr().String()
	}
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	return socket.LocalAddr().String()
}

func TestFlowsNameThePodThatAnswers(t *testing.T) {
	if pod, err := tcpFlow(t.Context(), echoTCP(t, "a")); pod != "a" || err != nil {
		t.Errorf("got %q, %v", pod, err)
	}
	if pod, err := udpFlow(t.Context(), socketUDP(t, `{"pod": "b"}`)); pod != "b" || err != nil {
		t.Errorf("got %q, %v", pod, err)
	}
}

func TestIsRejectedTellsAResetFromSilence(t *testing.T) {
	if _, err := tcpFlow(t.Context(), closed(t, "tcp")); !isRejected(err) {
		t.Errorf("a reset: %v", err)
	}
	// The kernel accepts for a server that never does.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := tcpFlow(t.Context(), silent.Addr().String()); err == nil || isRejected(err) {
		t.Errorf("silence: %v", err)
	}
}

func TestIsDroppedTellsSilenceFromAnICMPError(t *testing.T) {
	if _, err := udpFlow(t.Context(), socketUDP(t, "")); !isDropped(err) {
		t.Errorf("silence: %v", err)
	}
	if _, err := udpFlow(t.Context(), closed(t, "udp")); err == nil || isDropped(err) {
		t.Errorf("an ICMP error: %v", err)
	}
}

func TestFlowsMustBecomeIsContentWithFlowsThatAreAsWanted(t *testing.T) {
	timeouts := config.TimeoutConfig{MaxTimeToConsistency: 5 * time.Second}
	flowsMustBecome(t, timeouts, tcpProtocol, echoTCP(t, "a"), "answered", isAnswered)
	flowsMustBecome(t, timeouts, tcpProtocol, closed(t, "tcp"), refused, isRefusedFlow)
}

func TestConnectionIsAliveUntilTheServerIsGone(t *testing.T) {
	opened, err := connect(t.Context(), echoTCP(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.isAlive(); err != nil || opened.pod != "a" {
		t.Errorf("%s: %v", opened.pod, err)
	}
	opened.Close()
	if opened.isAlive() == nil {
		t.Error("it is alive although it is closed")
	}
}

func TestWithPortPutsAnotherPort(t *testing.T) {
	for address, want := range map[string]string{"192.0.2.1:80": "192.0.2.1:9", "[2001:db8::1]:80": "[2001:db8::1]:9"} {
		if got := withPort(address, "9"); got != want {
			t.Errorf("%s: got %s", address, got)
		}
	}
}
