package ledger_test

import (
	"bytes"
	"strings"
	"testing"

	"tenon/server/ledger"
)

func TestTrust(t *testing.T) {
	k, other := keys(t), keys(t)
	c, err := ledger.SignCheckpoint(k.Signer, 7, [32]byte{1}, now)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := ledger.WriteTrust(&b, k.Trust(&c)); err != nil {
		t.Fatal(err)
	}
	got, err := ledger.ReadTrust(bytes.NewReader(b.Bytes()))
	if err != nil || got.LogKey != k.Public || !got.Authority.Equal(k.Authority.Certificate) || got.Checkpoint.Size != 7 || got.Checkpoint.Root != c.Root {
		t.Errorf("ReadTrust(WriteTrust()) = %+v, %v", got, err)
	}
	foreign, _ := ledger.SignCheckpoint(other.Signer, 7, [32]byte{1}, now)
	forged := k.Trust(&foreign)
	for name, text := range map[string]string{
		"checkpoint of another key": written(t, forged),
		"member twice":              strings.Replace(b.String(), `"origin"`, `"origin":"x","origin"`, 1),
		"member unknown":            strings.Replace(b.String(), `"origin"`, `"x":"x","origin"`, 1),
		"other origin":              strings.Replace(b.String(), `"origin": "`, `"origin": "x`, 1),
		"no certificate":            strings.Replace(b.String(), "BEGIN CERT", "BEGIN CART", 1),
		"other format":              strings.Replace(b.String(), "trust/1", "trust/2", 1),
		"cut":                       b.String()[:b.Len()/2],
		"empty":                     "",
		"too long":                  b.String() + strings.Repeat(" ", 300<<10),
	} {
		if got, err := ledger.ReadTrust(strings.NewReader(text)); err == nil {
			t.Errorf("%s: ReadTrust() = %+v, nil", name, got)
		}
	}
}

func written(t *testing.T, trust *ledger.Trust) string {
	t.Helper()
	var b bytes.Buffer
	if err := ledger.WriteTrust(&b, trust); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func FuzzReadTrust(f *testing.F) {
	k := keys(f)
	var b bytes.Buffer
	if err := ledger.WriteTrust(&b, k.Trust(nil)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = ledger.ReadTrust(bytes.NewReader(text)) })
}
