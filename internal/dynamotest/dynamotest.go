// Package dynamotest gives tests a DynamoDB-compatible server on loopback: the
// binary of an npm package that package-lock.json pins by version and digest.
//
//	npm ci --prefix internal/dynamotest --ignore-scripts
//
// The binary exists for Linux on x64 alone. Where it is absent the tests that ask
// for it skip and say so; with REQUIRE_DYNAMODB=1 they fail instead.
// STORAGE_DYNAMODB_ENDPOINT points them at another server, or at AWS. What the
// server does not imitate (throttling, transaction conflicts, stale reads) has to be
// injected by the test.
package dynamotest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

const install = "npm ci --prefix internal/dynamotest --ignore-scripts"

// Endpoint returns the address of a server, ready to answer. A server that it
// starts is empty, keeps everything in memory and is stopped when the test ends.
func Endpoint(tb testing.TB) string {
	tb.Helper()
	if given := os.Getenv("STORAGE_DYNAMODB_ENDPOINT"); given != "" {
		return given
	}
	binary, err := find()
	if err != nil {
		absent(tb, err)
	}
	// The port is free when it is looked up and may be taken a moment later, by
	// another package's tests for one.
	for try := 1; ; try++ {
		endpoint, err := start(tb, binary)
		if err == nil {
			return endpoint
		}
		if try == 3 {
			tb.Fatalf("dynamotest: %v", err)
		}
	}
}

// Given reports whether the environment names the server, so that it may hold the
// tables of others and may ask for credentials.
func Given() bool { return os.Getenv("STORAGE_DYNAMODB_ENDPOINT") != "" }

func absent(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("REQUIRE_DYNAMODB") == "1" {
		tb.Fatalf("dynamotest: %v (REQUIRE_DYNAMODB=1)", err)
	}
	tb.Skipf("dynamotest: %v", err)
}

// find returns the path of the installed binary. Tests run in the folder of their
// package, so the module's root is looked for upwards.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		folder := filepath.Join(dir, "internal", "dynamotest")
		if _, err := os.Stat(filepath.Join(folder, "package-lock.json")); err == nil {
			path := filepath.Join(folder, "node_modules", "@dynoxide", "linux-x64", "dynoxide")
			_, err := os.Stat(path)
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("no server for %s on %s is installed: %s", runtime.GOOS, runtime.GOARCH, install)
			}
			return path, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("the module's folder internal/dynamotest is not above the working folder")
		}
		dir = up
	}
}

// start runs the binary on a free port until the test ends.
func start(tb testing.TB, binary string) (endpoint string, err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return "", err
	}
	var output bytes.Buffer
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = withParent()
	if err := cmd.Start(); err != nil {
		stop()
		return "", err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed, as a rule
	}()
	end := func() {
		stop() // kills the one process that was started here
		<-ended
	}
	endpoint = "http://127.0.0.1:" + strconv.Itoa(port)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if answers(endpoint) {
			tb.Cleanup(end)
			return endpoint, nil
		}
		select {
		case <-ended:
			stop()
			return "", fmt.Errorf("server ended at once: %s", output.Bytes())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			end()
			return "", fmt.Errorf("server did not answer in time: %s", output.Bytes())
		}
	}
}

// answers reports whether a server speaks HTTP at the endpoint, whatever it says.
func answers(endpoint string) bool {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(endpoint)
	if err != nil {
		return false
	}
	_ = r.Body.Close()
	return true
}
