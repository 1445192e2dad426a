package app_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/app"
	"tenon/server/record"
)

// TestSweep: content that nothing refers to is destroyed; what a resource needs,
// what was staged just now, and all while another process uses the folder, never.
func TestSweep(t *testing.T) {
	c := app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: "sqlite"}
	a := opened(t, c)
	stage := func(a *app.App, text string) [32]byte {
		t.Helper()
		row, err := a.Blobs.Stage(t.Context(), bytes.NewReader([]byte(text)), 0)
		if err != nil {
			t.Fatal(err)
		}
		return row.Digest
	}
	read := func(a *app.App, digest [32]byte) string {
		t.Helper()
		r, err := a.Blobs.Open(t.Context(), digest)
		if errors.Is(err, record.ErrAbsent) {
			return ""
		}
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	operator := &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}
	kept := func(text string) [32]byte {
		t.Helper()
		digest := stage(a, text)
		row := record.BlobRow{Digest: digest, Size: int64(len(text))}
		_, err := a.Recorder.Submit(t.Context(), operator, &record.Draft{Door: "fhir", Operation: "create", Ops: []record.Op{
			{Method: "POST", Type: "Binary", Body: []byte(`{"resourceType":"Binary","contentType":"text/plain"}`), Blob: &row}}})
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	needed, orphan := kept("needed"), stage(a, "orphan")
	if swept, err := a.Sweep(t.Context()); err != nil || swept.Objects != 0 || read(a, orphan) == "" {
		t.Fatalf("Sweep() of what was staged just now = %+v, %v", swept, err)
	}
	if err := a.Close(); err != nil { // nobody can commit any more what it staged
		t.Fatal(err)
	}

	a = opened(t, c)
	again, fresh := stage(a, "met again"), stage(a, "fresh")
	other := opened(t, c) // another process may have met the orphan
	if swept, err := a.Sweep(t.Context()); err != nil || swept.Objects != 0 || read(a, orphan) == "" {
		t.Fatalf("Sweep() beside another process = %+v, %v", swept, err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	late := kept("written after the start")
	swept, err := a.Sweep(t.Context())
	if err != nil || swept.Objects != 1 || swept.Bytes != int64(len("orphan")) {
		t.Errorf("Sweep() = %+v, %v, want the orphan alone", swept, err)
	}
	for digest, want := range map[[32]byte]string{needed: "needed", orphan: "", again: "met again", fresh: "fresh", late: "written after the start"} {
		if got := read(a, digest); got != want {
			t.Errorf("after the sweep %q is %q", want, got)
		}
	}
	if check, err := a.Check(t.Context()); err != nil || len(check.Findings) > 0 {
		t.Errorf("check: %+v, %v", check, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// A server sweeps by itself.
func TestSweepInBackground(t *testing.T) {
	c := app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: "sqlite"}
	a := opened(t, c)
	row, err := a.Blobs.Stage(t.Context(), bytes.NewReader([]byte("orphan")), 0)
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Sweeping = app.Sweeping{Every: time.Hour, After: 10 * time.Millisecond}
	a = opened(t, c)
	defer a.Close()
	a.Start(t.Context())
	for range 500 {
		r, err := a.Blobs.Open(t.Context(), row.Digest)
		if errors.Is(err, record.ErrAbsent) {
			return
		}
		if err == nil {
			_ = r.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the orphan is still there")
}

func opened(t *testing.T, c app.Config) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
