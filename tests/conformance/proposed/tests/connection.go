// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"

	"sigs.k8s.io/gateway-api/conformance/echo-basic/tcpserver"
)

// connection is one to the suite's TCP echo server that stays open.
type connection struct {
	net.Conn
	reader *bufio.Reader
	// pod is who answers.
	pod string
}

// connect opens a connection and asks who is there.
func connect(ctx context.Context, address string) (*connection, error) {
	opened, err := (&net.Dialer{Timeout: tcpPatience}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: opened, reader: bufio.NewReader(opened)}
	if err := c.introduce(); err != nil {
		opened.Close()
		return nil, err
	}
	return c, nil
}

func (c *connection) introduce() error {
	if err := c.SetDeadline(time.Now().Add(tcpPatience)); err != nil {
		return err
	}
	if _, err := c.reader.ReadString('\n'); err != nil {
		return fmt.Errorf("reading the welcome: %w", err)
	}
	answer, err := c.ask("TEST")
	if err != nil {
		return err
	}
	who := tcpserver.TCPAssertions{}
	if err := json.Unmarshal([]byte(answer), &who); err != nil {
		return fmt.Errorf("decoding %q: %w", answer, err)
	}
	c.pod = who.Pod
	return nil
}

// ask sends a line and gives the line that comes back.
func (c *connection) ask(word string) (string, error) {
	if err := c.SetDeadline(time.Now().Add(tcpPatience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(c, word); err != nil {
		return "", err
	}
	return c.reader.ReadString('\n')
}

// isAlive tells whether the server still answers.
func (c *connection) isAlive() error {
	answer, err := c.ask("PING")
	if err == nil && answer != "PONG\n" {
		err = fmt.Errorf("the answer is %q", answer)
	}
	return err
}
