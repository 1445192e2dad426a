package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// peer is an archive in a process of its own.
type peer struct {
	name    string
	url     string // of its DICOMweb door
	token   string
	client  *http.Client
	process *exec.Cmd
	input   io.Closer
}

func newClient() *http.Client {
	return &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
}

// ours starts this program again as a server.
func ours(ctx context.Context, name, role, data string) (*peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &peer{name: name, client: newClient()}
	p.process = exec.CommandContext(ctx, self, role, data) //nolint:gosec // this program itself
	p.process.Stderr = os.Stderr
	if p.input, err = p.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	addr, token, _ := strings.Cut(strings.TrimSpace(line), " ")
	if p.url, p.token = "http://"+addr, token; token != "" {
		p.url += "/dicomweb"
	}
	return p, p.await(ctx, "http://"+addr+"/readyz")
}

// orthanc starts the peer: from a Debian root folder, or the one of this machine.
func orthanc(ctx context.Context, root string) (*peer, error) {
	program, folder := "/usr/sbin/Orthanc", filepath.Join(root, "/tmp/tenon-bench-orthanc")
	if root == "" {
		if _, err := os.Stat(program); err != nil {
			return nil, fmt.Errorf("orthanc is not there: install orthanc and orthanc-dicomweb, or name a Debian root with -orthanc")
		}
	}
	if err := os.RemoveAll(folder); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	inside := strings.TrimPrefix(folder, strings.TrimSuffix(root, "/"))
	config, _ := json.Marshal(map[string]any{ // strings and numbers only
		"Name": "bench", "StorageDirectory": inside + "/storage", "IndexDirectory": inside + "/index", "HttpPort": port, "DicomPort": port + 1,
		"DicomServerEnabled": false, "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "SyncStorageArea": true,
		"Plugins": []string{"/usr/share/orthanc/plugins/libOrthancDicomWeb.so"}, "DicomWeb": map[string]any{"Enable": true},
	})
	if err := os.WriteFile(filepath.Join(folder, "bench.json"), config, 0o600); err != nil {
		return nil, err
	}
	p := &peer{name: "Orthanc", url: "http://127.0.0.1:" + strconv.Itoa(port) + "/dicom-web", client: newClient()}
	if root == "" {
		p.process = exec.CommandContext(ctx, program, inside+"/bench.json") //nolint:gosec // a path made here
	} else {
		p.process = exec.CommandContext(ctx, "chroot", root, program, inside+"/bench.json") //nolint:gosec // a folder that the caller names
	}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	return p, p.await(ctx, p.url+"/studies?limit=1")
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// await waits until a URL answers 200.
func (p *peer) await(ctx context.Context, url string) error {
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := p.client.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return errors.Join(fmt.Errorf("%s does not answer", p.name), p.stop())
}

// cpu is what the process has had of the processors, in milliseconds.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func (p *peer) cpu() float64 {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.process.Process.Pid), "stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) * 10 // ticks of 10 ms
}

func (p *peer) stop() error {
	p.client.CloseIdleConnections()
	if p.input != nil {
		return errors.Join(p.input.Close(), p.process.Wait())
	}
	_ = p.process.Process.Signal(os.Interrupt)
	_ = p.process.Wait() // a peer that is stopped may tell an error
	return nil
}

// get reads an answer to its end; it must be a success.
func (p *peer) get(ctx context.Context, path, accept string) (int64, error) {
	return p.send(ctx, http.MethodGet, path, nil, "Accept", accept)
}

// count gives the number of results of an answer in the DICOM JSON model.
func (p *peer) count(ctx context.Context, path, accept string) (int, error) {
	var body bytes.Buffer
	if _, err := p.exchange(ctx, &body, http.MethodGet, path, nil, "Accept", accept); err != nil {
		return 0, err
	}
	var results []json.RawMessage
	err := json.Unmarshal(body.Bytes(), &results)
	return len(results), err
}

const boundary = "bench-frontier-0123456789"

// stow stores files in one request.
func (p *peer) stow(ctx context.Context, files ...[]byte) error {
	var body bytes.Buffer
	for _, f := range files {
		body.WriteString("--" + boundary + "\r\nContent-Type: application/dicom\r\n\r\n")
		body.Write(f)
		body.WriteString("\r\n")
	}
	body.WriteString("--" + boundary + "--\r\n")
	_, err := p.send(ctx, http.MethodPost, "/studies", body.Bytes(), "Accept", "application/dicom+json",
		"Content-Type", `multipart/related; type="application/dicom"; boundary=`+boundary)
	return err
}

func (p *peer) send(ctx context.Context, method, path string, body []byte, header ...string) (int64, error) {
	return p.exchange(ctx, io.Discard, method, path, body, header...)
}

// exchange sends a request and copies the answer, which must be a success.
func (p *peer) exchange(ctx context.Context, to io.Writer, method, path string, body []byte, header ...string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 600))
		return 0, fmt.Errorf("%s: %s %s: %s %s", p.name, method, path, res.Status, text)
	}
	return io.Copy(to, res.Body)
}
