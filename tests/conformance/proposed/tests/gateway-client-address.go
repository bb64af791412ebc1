// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sigs.k8s.io/gateway-api/conformance/utils/kubernetes"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, GatewayClientAddress)
}

// GatewayClientAddress sends requests that are easy to recognise and looks for
// them in the logs of the echo servers, which name the client of each.
var GatewayClientAddress = suite.ConformanceTest{
	ShortName:   "GatewayClientAddress",
	Description: "A backend sees the client's own IP address and port, over TCP and over UDP.",
	Features: []features.FeatureName{
		features.SupportGateway, features.SupportTCPRoute, features.SupportUDPRoute, SupportGatewayClientAddress,
	},
	Manifests: []string{"tests/gateway-client-address.yaml"},
	Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
		gateway := infra("client-address")
		t.Run("tcp", func(t *testing.T) {
			address := addressOf(t, s, gateway, "tcp")
			eventually(t, s.TimeoutConfig, "TCP clients are seen", func(ctx context.Context) error {
				token := fmt.Sprintf("/tcp-%d", time.Now().UnixNano())
				client, err := requestOverHTTP(ctx, "http://"+address+token)
				if err != nil {
					return err
				}
				line := fmt.Sprintf("Echoing back request made to %s to client (%s)", token, client)
				return logMustHave(ctx, s, "infra-backend-v1", token, line)
			})
		})
		t.Run("udp", func(t *testing.T) {
			connection, err := net.Dial("udp", addressOf(t, s, gateway, "udp"))
			require.NoError(t, err)
			defer connection.Close()
			eventually(t, s.TimeoutConfig, "UDP clients are seen", func(ctx context.Context) error {
				token := fmt.Sprintf("udp-%d", time.Now().UnixNano())
				if _, err := udpExchange(connection, token); err != nil {
					return err
				}
				line := fmt.Sprintf("Received UDP %s from %s", token, connection.LocalAddr())
				return logMustHave(ctx, s, udpEcho1, token, line)
			})
		})
	},
}

// requestOverHTTP makes a request over a connection of its own and gives the
// client's address and port.
func requestOverHTTP(ctx context.Context, url string) (client string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tcpPatience)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { client = info.Conn.LocalAddr().String() },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	return client, response.Body.Close()
}

// logMustHave complains unless the line of a Deployment's logs with that token is this one.
func logMustHave(ctx context.Context, s *suite.ConformanceTestSuite, deployment, token, line string) error {
	lines, err := kubernetes.DumpEchoLogs(ctx, suite.InfrastructureNamespace, deployment, s.Client, s.Clientset,
		time.Now().Add(-time.Minute))
	if err != nil {
		return err
	}
	for _, found := range lines {
		if !strings.Contains(found, token) {
			continue
		}
		if found != line {
			return fmt.Errorf("the log has %q, not %q", found, line)
		}
		return nil
	}
	return fmt.Errorf("the log does not have %s yet", token)
}
