package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// TestDiskFull fills the disk under a server: writes are refused with a reason,
// reads go on with their audit, also after a start on the full disk, and once
// there is room everything that was acknowledged is there and nothing that was
// refused.
func TestDiskFull(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run("R000-002 "+engine, func(t *testing.T) {
			d := &fullDisk{t: t, disk: smallDisk(t, 96<<20), config: app.Config{Listen: address(t), Database: "sqlite"}}
			d.config.Data = filepath.Join(d.disk, "data")
			if engine == "postgres" { // the database on the small disk, files and keys elsewhere
				tables := filepath.Join(d.disk, "tables")
				if err := os.Mkdir(tables, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(d.disk, 0o755); err != nil {
					t.Fatal(err)
				}
				d.config.Database, d.config.Data = pgtest.DatabaseIn(t, tables), t.TempDir()
			}
			d.run()
		})
	}
}

// smallDisk mounts a file system in memory. Where that is not allowed there is no
// disk to fill.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tenon-disk-") // a short path, which others may pass
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("no small disk can be mounted here (%v): run as root to see what a full one does", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

type fullDisk struct {
	t      *testing.T
	disk   string
	config app.Config
	token  string

	acked   []string // Type/id
	reads   []string // request ids of reads on the full disk
	refused int
}

func (d *fullDisk) run() {
	t := d.t
	d.token = enrolled(t, d.config, "clin-wang")["clin-wang"]
	f, err := os.Open(filepath.Join(d.config.Data, "trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	trust, err := ledger.ReadTrust(f)
	if err != nil {
		t.Fatal(err)
	}
	p := spawn(t, d.config, binary(t), "serve")
	for range 20 {
		d.create(p, 201)
	}
	d.fill()
	d.refusals(p)
	d.readOn(p)
	p.kill()
	p = spawn(t, d.config, binary(t), "serve") // on the full disk
	d.refusals(p)
	d.readOn(p)
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
	d.recovers(p)
	if code := p.stop(); code != 0 {
		t.Errorf("the server stopped with %d\n%s", code, p.told())
	}
	d.prove(trust)
	t.Logf("%d writes refused, %d kept; %d reads on the full disk, all in the audit", d.refused, len(d.acked), len(d.reads))
}

func (d *fullDisk) filler() string { return filepath.Join(d.disk, "filler") }

// fill takes what is left of the disk.
func (d *fullDisk) fill() {
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for n := 1 << 20; n > 0; n /= 2 {
		for err = error(nil); err == nil; {
			_, err = f.Write(make([]byte, n))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatal(err)
		}
	}
}

func (d *fullDisk) send(p *child, method, path string, body []byte) *servertest.Answer {
	d.t.Helper()
	return p.Send(d.t, servertest.Request{Token: d.token, Method: method, Path: path, Body: body})
}

func (d *fullDisk) create(p *child, status int) bool {
	d.t.Helper()
	body := fmt.Appendf(nil, `{"resourceType":"Patient","identifier":[{"system":"urn:disk","value":"%d"}],"name":[{"text":%q}]}`, len(d.acked)+d.refused, strings.Repeat("满", 200))
	a := d.send(p, "POST", "/fhir/Patient", body)
	switch {
	case a.Status == 201:
		d.acked = append(d.acked, a.Ref())
	case a.Status == status && bytes.Contains(a.Body, []byte(`"code":"no-store"`)) && bytes.Contains(a.Body, []byte("存储空间已满")):
		d.refused++
	default:
		d.t.Fatalf("POST Patient = %d %.600s, want %d", a.Status, a.Body, status)
	}
	return a.Status == 201
}

// refusals writes until there is no room left in what the database has set
// aside, and then some.
func (d *fullDisk) refusals(p *child) {
	d.t.Helper()
	for row := 0; row < 5; row++ {
		if d.create(p, 507) {
			row = -1
		}
		if len(d.acked) > 20000 {
			d.t.Fatal("the disk does not fill")
		}
	}
	bundle := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i := range 50 {
		if i > 0 {
			bundle = append(bundle, ',')
		}
		bundle = fmt.Appendf(bundle, `{"resource":{"resourceType":"Patient","identifier":[{"system":"urn:half","value":"x"}],"name":[{"text":%q}]},"request":{"method":"POST","url":"Patient"}}`, strings.Repeat("半", 2000))
	}
	if a := d.send(p, "POST", "/fhir", append(bundle, "]}"...)); a.Status != 507 {
		d.t.Fatalf("a transaction = %d %.600s, want 507", a.Status, a.Body)
	}
	a := p.Send(d.t, servertest.Request{Token: d.token, Method: "POST", Path: "/fhir/Binary", Body: bytes.Repeat([]byte("b"), 3<<20), Header: map[string]string{"Content-Type": "model/stl"}})
	if a.Status != 507 {
		d.t.Fatalf("a file = %d %.600s, want 507", a.Status, a.Body)
	}
}

// readOn reads in every way; each answer is remembered by its request id.
func (d *fullDisk) readOn(p *child) {
	d.t.Helper()
	for i, path := range []string{"/fhir/" + d.acked[0], "/fhir/" + d.acked[len(d.acked)-1], "/fhir/Patient?identifier=urn:disk|3", "/fhir/Patient?_sort=-_lastUpdated&_count=5", "/fhir/" + d.acked[0] + "/_history", "/fhir/metadata"} {
		id := fmt.Sprintf("full-%d-%d", len(d.reads), i)
		a := p.Send(d.t, servertest.Request{Token: d.token, Path: path, Header: map[string]string{"X-Request-Id": id}})
		if a.Status != 200 {
			d.t.Errorf("GET %s on a full disk = %d %.600s", path, a.Status, a.Body)
		}
		if path != "/fhir/metadata" {
			d.reads = append(d.reads, id)
		}
	}
	if a := p.Send(d.t, servertest.Request{Path: "/readyz"}); a.Status != 200 {
		d.t.Errorf("/readyz = %d: reads are served", a.Status)
	}
}

// recovers waits until the server writes again.
func (d *fullDisk) recovers(p *child) {
	d.t.Helper()
	for end := time.Now().Add(20 * time.Second); !d.create(p, 507); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatal("with room on the disk the server still refuses")
		}
	}
	for _, ref := range d.acked {
		if a := d.send(p, "GET", "/fhir/"+ref, nil); a.Status != 200 {
			d.t.Errorf("%s was acknowledged and reads %d", ref, a.Status)
		}
	}
	for query, want := range map[string]int{"identifier=urn:half|": 0, "identifier=urn:disk|": len(d.acked)} {
		var b struct{ Total int }
		a := d.send(p, "GET", "/fhir/Patient?_summary=count&"+query, nil)
		if err := json.Unmarshal(a.Body, &b); err != nil || b.Total != want {
			d.t.Errorf("%s finds %.300s, want %d", query, a.Body, want)
		}
	}
	time.Sleep(3 * time.Second) // the reserve goes back every two
}

// prove verifies the record, and that no read was without audit.
func (d *fullDisk) prove(trust *ledger.Trust) {
	d.t.Helper()
	a, err := app.OpenToVerify(context.WithoutCancel(d.t.Context()), d.config)
	if err != nil {
		d.t.Fatal(err)
	}
	defer a.Close()
	if r, err := a.VerifyDatabase(d.t.Context(), trust); err != nil || r.Exit() != 0 {
		d.t.Errorf("verify: %v %v", err, r)
	}
	if check, err := a.Check(d.t.Context()); err != nil || len(check.Findings) > 0 {
		d.t.Errorf("check: %v %v", err, check)
	}
	k := &killing{t: d.t, acked: d.reads}
	k.audit(a)
}
