// Package s3 runs a real S3-compatible server on the loopback interface, for tests
// of the source that reads from one.
//
// The server is versitygw, a gateway in Go that keeps objects as files. It is installed
// by the go command at a pinned version, into the build cache, and is no dependency of
// this module: it brings the clients of three clouds along.
package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// gateway is the server, and its version.
const gateway = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// Keys of the server's only account.
const (
	access = "synthetic-access"
	secret = "synthetic-secret"
)

// Server is a running server. Its folder holds program, objects and log.
type Server struct {
	url  string
	cmd  *exec.Cmd
	done chan error
}

// Start installs and starts the server. ErrUnavailable means that it could not be
// installed, as without a module proxy.
func Start(ctx context.Context, dir string) (*Server, error) {
	install := exec.CommandContext(ctx, "go", "install", gateway)
	// Outside of any module, so that no go.mod has a say in its dependencies.
	install.Dir = dir
	install.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "GOWORK=off")
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: go install %s: %w\n%s", ErrUnavailable, gateway, err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	args := []string{"--port", address, "--quiet", "posix"}
	for _, option := range []string{"--sidecar", "--versioning-dir", ""} {
		folder := filepath.Join(dir, cmp.Or(strings.Trim(option, "-"), "objects"))
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, err
		}
		if option != "" {
			args = append(args, option)
		}
		args = append(args, folder)
	}
	program := filepath.Join(dir, "versitygw")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &Server{url: "http://" + address, cmd: exec.Command(program, args...), done: make(chan error, 1)}
	s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+access, "ROOT_SECRET_KEY="+secret)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.done <- s.cmd.Wait() }()
	if err := s.ready(ctx); err != nil {
		s.Close()
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("s3: start the server: %w\n%s", err, text)
	}
	return s, nil
}

// ErrUnavailable marks a server that could not be installed.
var ErrUnavailable = errors.New("no S3 server")

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ready waits until the server answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		_, err := s.Client(secret).ListBuckets(ctx, nil)
		if err == nil {
			return nil
		}
		select {
		case end := <-s.done:
			s.done <- end
			return fmt.Errorf("it ended: %w", end)
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Client returns a client that signs with a secret.
func (s *Server) Client(secret string) *s3.Client {
	return s3.New(s3.Options{BaseEndpoint: &s.url, UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, "")})
}

// Close ends the server and waits for that.
func (s *Server) Close() error {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.done
	return nil
}
