package dimse_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"tenon/dicomweb/dimse"
)

// echoRQ is a C-ECHO-RQ by the tables of PS3.7 §E.1 and §9.3.5.1, written by hand.
const echoRQ = "00000000 04000000 38000000" + // group length 56
	"00000200 12000000 312e322e3834302e31303030382e312e3100" + // 1.2.840.10008.1.1
	"00000001 02000000 3000" + // C-ECHO-RQ
	"00001001 02000000 0700" + // message 7
	"00000008 02000000 0101" // no data set

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCommand(t *testing.T) {
	want := unhex(t, echoRQ)
	c := &dimse.Command{Field: 0x30, ID: 7, Class: "1.2.840.10008.1.1"}
	if got := dimse.AppendCommand(nil, c); !bytes.Equal(got, want) {
		t.Errorf("AppendCommand(C-ECHO-RQ) = %x, want %x", got, want)
	}
	got, err := dimse.ParseCommand(want)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("ParseCommand(C-ECHO-RQ) = %+v, %v, want %+v", got, err, c)
	}
	for _, c := range []*dimse.Command{
		{Field: 0x8021, Responded: 9, Class: "1.2.3", Status: 0xFF00, Counts: &dimse.Counts{Remaining: 1, Completed: 2, Failed: 3, Warned: 4}},
		{Field: 0x0001, ID: 2, Class: "1.2", Instance: "1.2.3.4", DataSet: true, Originator: "A", OriginID: 5},
		{Field: 0x0021, ID: 2, Class: "1.2", Destination: "DEST", DataSet: true},
		{Field: 0x0130, ID: 2, Class: "1.2", Instance: "1.2.3", Kind: 1, DataSet: true},
		{Field: 0x0100, ID: 3, Class: "1.2", Instance: "1.2.3", Kind: 2, DataSet: true},
		{Field: 0x0FFF, Responded: 3},
		{Field: 0x8001, Responded: 3, Status: 0xC000, Comment: "why"},
	} {
		b := dimse.AppendCommand(nil, c)
		if got, err := dimse.ParseCommand(b); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("ParseCommand(AppendCommand(%+v)) = %+v, %v", c, got, err)
		}
	}
}

// TestCommandOrder: elements ascend, as PS3.5 §7.1 demands of every data set.
func TestCommandOrder(t *testing.T) {
	b := dimse.AppendCommand(nil, &dimse.Command{Field: 0x8130, Responded: 1, Class: "1.2", Instance: "1.2.3", Status: 0x0110, Comment: "x", Kind: 1,
		Counts: &dimse.Counts{}, Originator: "O"})
	last := -1
	for len(b) > 0 {
		element, n := int(b[2])|int(b[3])<<8, int(b[4])
		if element <= last || n%2 != 0 {
			t.Fatalf("element %04x with length %d after %04x", element, n, last)
		}
		last, b = element, b[8+n:]
	}
}

func TestCommandRefuses(t *testing.T) {
	good := unhex(t, echoRQ)
	for name, b := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)-3], "no field": good[:30],
		"another group": unhex(t, "08000500 02000000 4100"), "length": unhex(t, "00000001 ffffffff 3000"),
	} {
		if c, err := dimse.ParseCommand(b); err == nil {
			t.Errorf("ParseCommand(%s) = %+v, want an error", name, c)
		}
	}
}

func TestStorageClasses(t *testing.T) {
	for uid, want := range map[string]bool{
		"1.2.840.10008.5.1.4.1.1.2": true, "1.2.840.10008.5.1.4.1.1.104.3": true, "1.2.840.10008.5.1.4.34.7": true,
		"1.2.840.10008.5.1.4.1.2.2.1": false, "1.2.840.10008.1.1": false, "1.2.840.10008.5.1.4.34.70": false, "1.3.12": false, "": false,
	} {
		if got := dimse.Storage(uid); got != want {
			t.Errorf("Storage(%s) = %v, want %v", uid, got, want)
		}
	}
}

func TestPeerCheck(t *testing.T) {
	good := dimse.Peer{Title: "CT1", Principal: "Device/ct", From: []string{"10.0.0.0/8"}}
	if err := good.Check(); err != nil {
		t.Errorf("Check(%+v) = %v", good, err)
	}
	for name, change := range map[string]func(*dimse.Peer){
		"title":       func(p *dimse.Peer) { p.Title = "A LONG TITLE OF 17" },
		"backslash":   func(p *dimse.Peer) { p.Title = `A\B` },
		"principal":   func(p *dimse.Peer) { p.Principal = "" },
		"from":        func(p *dimse.Peer) { p.From = nil },
		"network":     func(p *dimse.Peer) { p.From = []string{"10.0.0.0/99"} },
		"allow":       func(p *dimse.Peer) { p.Allow = []string{"all"} },
		"address":     func(p *dimse.Peer) { p.Address = "host" },
		"certificate": func(p *dimse.Peer) { p.Certificate = "abcd" },
	} {
		p := good
		change(&p)
		if err := p.Check(); err == nil {
			t.Errorf("Check() of a wrong %s is taken", name)
		}
	}
}

func FuzzCommand(f *testing.F) {
	f.Add(unhex(f, echoRQ))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := dimse.ParseCommand(b)
		if err != nil {
			return
		}
		if _, err := dimse.ParseCommand(dimse.AppendCommand(nil, c)); err != nil {
			t.Errorf("what was written of %+v is not read: %v", c, err)
		}
	})
}

// associateRQ is the body of an A-ASSOCIATE-RQ by PS3.8 §9.3.2, written by hand.
func associateRQ() []byte {
	b := []byte{0, 1, 0, 0}
	b = append(b, "CALLED          CALLING         "...)
	b = append(b, make([]byte, 32)...)
	b = append(b, 0x10, 0, 0, 21)
	b = append(b, "1.2.840.10008.3.1.1.1"...)
	b = append(b, 0x20, 0, 0, 46, 1, 0, 0, 0, 0x30, 0, 0, 17)
	b = append(b, "1.2.840.10008.1.1"...)
	b = append(b, 0x40, 0, 0, 17)
	b = append(b, "1.2.840.10008.1.2"...)
	return append(b, 0x50, 0, 0, 8, 0x51, 0, 0, 4, 0, 0, 0x40, 0)
}

func TestAssociate(t *testing.T) {
	contexts, _, err := dimse.ParseAssociate(associateRQ(), false)
	want := []dimse.Context{{ID: 1, Abstract: "1.2.840.10008.1.1", Syntaxes: []string{"1.2.840.10008.1.2"}}}
	if err != nil || !reflect.DeepEqual(contexts, want) {
		t.Errorf("ParseAssociate() = %+v, %v, want %+v", contexts, err, want)
	}
	for n := range associateRQ() {
		if n != 68 && n != 93 && n != 143 { // the ends of whole items
			if _, _, err := dimse.ParseAssociate(associateRQ()[:n], false); err == nil {
				t.Errorf("ParseAssociate(%d of %d bytes) is taken", n, len(associateRQ()))
			}
		}
	}
}

func FuzzAssociate(f *testing.F) {
	f.Add(associateRQ(), false)
	f.Add(associateRQ(), true)
	f.Fuzz(func(t *testing.T, b []byte, answer bool) {
		contexts, again, err := dimse.ParseAssociate(b, answer)
		if err != nil {
			return
		}
		if len(contexts) > 128 {
			t.Errorf("%d presentation contexts", len(contexts))
		}
		if len(again) < 1<<15 { // what is longer than an item can be is only read
			if _, _, err := dimse.ParseAssociate(again[6:], answer); err != nil {
				t.Errorf("what was written is not read: %v", err)
			}
		}
	})
}

func FuzzPDV(f *testing.F) {
	f.Add([]byte{0, 0, 0, 4, 1, 3, 0, 0, 0, 0, 0, 2, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			rest, err := dimse.NextPDV(b)
			if err != nil {
				return
			}
			if len(rest) >= len(b) {
				t.Fatal("no progress")
			}
			b = rest
		}
	})
}
