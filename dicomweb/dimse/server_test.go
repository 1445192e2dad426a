package dimse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/dimse"
	"tenon/dicomweb/index"
	"tenon/server/access"
)

// shelf is an archive that counts what it is sent and holds one instance.
type shelf struct{ bytes atomic.Int64 }

func (s *shelf) Store(_ context.Context, _ *access.Context, _ string, file io.Reader) (uint16, string, error) {
	n, err := io.Copy(io.Discard, file)
	s.bytes.Add(n)
	return 0, "", err
}

func (*shelf) Find(context.Context, *access.Context, index.Level, index.Key, map[dicom.Tag]string, int, int) (*index.Page, error) {
	return &index.Page{Results: []index.Result{{Study: index.Study{UID: "1.2.9", PatientName: "Wang^Li=王^丽", PatientID: "P"}}}}, nil
}

func (*shelf) Retrieve(context.Context, *access.Context, string, index.Key) iter.Seq2[*index.Result, error] {
	return func(func(*index.Result, error) bool) {}
}
func (*shelf) Offers(*index.Result, string) bool { return false }
func (*shelf) Open(context.Context, *access.Context, *index.Result, string) (io.ReadCloser, error) {
	return nil, io.EOF
}

func (*shelf) Holds(_ context.Context, _ *access.Context, class, instance string) (bool, error) {
	return class == ctImage && instance == "1.2.3.1", nil
}

const (
	ctImage = "1.2.840.10008.5.1.4.1.1.2"
	echo    = "1.2.840.10008.1.1"
)

type book map[string]*dimse.Peer

func (b book) Peer(_ context.Context, title string) (*dimse.Peer, error) { return b[title], nil }

// open serves a shelf on loopback and returns its address.
func open(t *testing.T, s *shelf, change func(*dimse.Options)) string {
	t.Helper()
	o := dimse.Options{Title: "TENON", Archive: s, Idle: 300 * time.Millisecond,
		Peers: book{"CT1": {Title: "CT1", Principal: "Device/ct", Allow: []string{"store", "commit", "find"}, From: []string{"127.0.0.1"}}},
		Who: func(context.Context, string) (*access.Context, error) {
			return &access.Context{Kind: access.System, Principal: "Device/ct"}, nil
		},
		Audit: func(context.Context, dimse.Event) error { return nil },
		Log:   func(_ context.Context, what string, err error) { t.Errorf("logged: %s: %v", what, err) }}
	if change != nil {
		change(&o)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- dimse.New(o).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
	return l.Addr().String()
}

func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func call(t *testing.T, address, title string, classes ...string) (*dimse.Client, error) {
	t.Helper()
	var contexts []dimse.Context
	for i, c := range classes {
		contexts = append(contexts, dimse.Context{ID: byte(2*i + 1), Abstract: c, Syntaxes: []string{dicom.ExplicitLittleEndian}})
	}
	c, err := dimse.Open(t.Context(), connect(t, address), dimse.Request{Called: "TENON", Calling: title, Contexts: contexts, Idle: 20 * time.Second})
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

func TestCommitment(t *testing.T) {
	address := open(t, &shelf{}, nil)
	c, err := call(t, address, "CT1", dimse.CommitmentPush)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		instances []string
		event     uint16
		failed    string
	}{{[]string{"1.2.3.1"}, 1, ""}, {[]string{"1.2.3.1", "1.2.3.2"}, 2, "1.2.3.2"}} {
		event, report, err := c.Commit(t.Context(), ctImage, x.instances...)
		if err != nil || event != x.event || report.String(0x00081195) != "1.2.3.4" {
			t.Fatalf("Commit(%v) = %d, %v, want %d with the transaction", x.instances, event, err, x.event)
		}
		failed := ""
		if _, seq := report.Find(-1, 0x00081198); seq > 0 {
			for item := range report.Children(seq) {
				failed += report.StringIn(item, 0x00081155)
			}
		}
		if failed != x.failed {
			t.Errorf("Commit(%v) tells the failures %q, want %q", x.instances, failed, x.failed)
		}
	}
	if err := c.Release(t.Context()); err != nil {
		t.Errorf("Release() = %v", err)
	}
}

// zeros is a long data set that is never held.
type zeros int64

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), int64(*z))
	if *z -= zeros(n); n == 0 {
		return 0, io.EOF
	}
	return int(n), nil
}

func TestMemoryIsFlat(t *testing.T) {
	s := &shelf{}
	address := open(t, s, nil)
	c, err := call(t, address, "CT1", ctImage)
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 30
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	z := zeros(size)
	status, err := c.Store(t.Context(), ctImage, "1.2.3", &z)
	runtime.ReadMemStats(&after)
	if err != nil || status != 0 || s.bytes.Load() < size {
		t.Fatalf("Store(1 GiB) = %#04x, %v with %d bytes passed on", status, err, s.bytes.Load())
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("an instance of 1 GiB took %d bytes of memory, want less than 16 MiB in all", grown)
	}
}

func TestLimits(t *testing.T) {
	t.Run("a title from elsewhere, and an unknown one", func(t *testing.T) {
		address := open(t, &shelf{}, func(o *dimse.Options) {
			o.Peers = book{"CT1": {Title: "CT1", Principal: "Device/ct", From: []string{"192.0.2.1"}}}
		})
		for _, title := range []string{"CT1", "CT2", ""} {
			_, err := call(t, address, title, echo)
			if r, ok := errors.AsType[*dimse.Rejected](err); !ok || r.Reason != 3 {
				t.Errorf("association as %q = %v, want a rejection for the calling title", title, err)
			}
		}
	})
	t.Run("what cannot be audited", func(t *testing.T) {
		address := open(t, &shelf{}, func(o *dimse.Options) {
			o.Audit = func(context.Context, dimse.Event) error { return fmt.Errorf("full") }
			o.Log = func(context.Context, string, error) {}
		})
		if _, err := call(t, address, "CT1", echo); err == nil {
			t.Error("an association that was not audited is accepted")
		}
	})
	t.Run("associations at once", func(t *testing.T) {
		address := open(t, &shelf{}, func(o *dimse.Options) { o.MaxOfPeer, o.Idle = 2, time.Minute })
		for range 2 {
			if c, err := call(t, address, "CT1", echo); err != nil {
				t.Fatal(err)
			} else if status, err := c.Echo(t.Context()); status != 0 || err != nil {
				t.Errorf("Echo() = %#04x, %v", status, err)
			}
		}
		_, err := call(t, address, "CT1", echo)
		if r, ok := errors.AsType[*dimse.Rejected](err); !ok || r.Result != 2 || r.Reason != 2 {
			t.Errorf("the third association = %v, want a transient rejection: local limit", err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		address := open(t, &shelf{}, nil)
		c, err := call(t, address, "CT1", echo)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if _, err := c.Echo(t.Context()); err == nil {
			t.Error("an association of a peer that was silent for too long is still there")
		}
	})
}

// TestHostile sends what is no protocol; each connection ends, and the server
// goes on.
func TestHostile(t *testing.T) {
	address := open(t, &shelf{}, nil)
	for name, b := range map[string][]byte{
		"HTTP":               []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"a huge association": {1, 0, 0xFF, 0xFF, 0xFF, 0xFF},
		"data first":         {4, 0, 0, 0, 0, 4, 0, 0, 0, 0},
		"an empty request":   {1, 0, 0, 0, 0, 0},
		"half a request":     append([]byte{1, 0, 0, 0, 0, 200}, make([]byte, 200)...),
	} {
		conn := connect(t, address)
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		answer, err := io.ReadAll(conn)
		if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
			t.Errorf("%s: the connection is still open", name)
		}
		if len(answer) > 0 && answer[0] != 7 {
			t.Errorf("%s is answered with PDU %x, want an abort", name, answer)
		}
	}
	if c, err := call(t, address, "CT1", echo); err != nil {
		t.Errorf("afterwards: %v", err)
	} else if status, err := c.Echo(t.Context()); status != 0 || err != nil {
		t.Errorf("afterwards Echo() = %#04x, %v", status, err)
	}
}

func TestAsk(t *testing.T) {
	const studyFind, cFind = "1.2.840.10008.5.1.4.1.2.2.1", 0x0020
	address := open(t, &shelf{}, nil)
	c, err := call(t, address, "CT1", studyFind)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := c.Accepted(studyFind)
	var names []string
	ask := []dimse.Element{{Tag: 0x00080052, Value: "STUDY"}, {Tag: dicom.PatientName}, {Tag: dicom.StudyInstanceUID}}
	status, err := c.Ask(t.Context(), cFind, x, "", ask, func(_ *dimse.Command, f *dicom.File) error {
		if f != nil {
			names = append(names, f.String(dicom.StudyInstanceUID)+" "+f.String(dicom.PatientName))
		}
		return nil
	})
	if err != nil || status != 0 || len(names) != 1 || names[0] != "1.2.9 Wang^Li=王^丽" {
		t.Errorf("Ask() = %#04x, %v with %q, want one study", status, err, names)
	}
	if status, err = c.Ask(t.Context(), cFind, x, "", ask[1:], func(*dimse.Command, *dicom.File) error { return nil }); err != nil || status != 0xA900 {
		t.Errorf("Ask() without a level = %#04x, %v, want A900", status, err)
	}
}
