package ledger_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"tenon/server/ledger"
	"tenon/server/ledger/ledgertest"
)

func TestHashLeaf(t *testing.T) {
	salt := [16]byte{1, 2, 3}
	want := sha256.Sum256(append(append([]byte{0}, salt[:]...), `{"resourceType":"Patient"}`...))
	if got := ledger.HashLeaf(salt, []byte(`{"resourceType":"Patient"}`)); got != want {
		t.Errorf("HashLeaf() = %x, want %x", got, want)
	}
}

// The roots of RFC 6962 trees over the eight well-known test inputs of
// Certificate Transparency.
func TestRootByDefinition(t *testing.T) {
	inputs := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	m := ledgertest.NewMemory()
	q := ledgertest.NewSequencer(t, m)
	for i, in := range inputs {
		raw, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		_ = m.Add(t.Context(), ledger.Leaf{Ref: in, Hash: sha256.Sum256(append([]byte{0}, raw...))})
		if _, err := q.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(m.Last.Root[:]); got != roots[i] {
			t.Errorf("root of %d leaves = %v, want %v", i+1, got, roots[i])
		}
	}
}

func TestLeavesBindWhatTheyAreOf(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	gone := ledger.VersionRow{Type: "Patient", ID: "1", Version: 2, Deleted: true, Updated: at}
	other := gone
	other.ID = "2"
	if ledger.VersionLeaf(gone).Hash == ledger.VersionLeaf(other).Hash {
		t.Error("the deletions of two patients have one leaf hash")
	}
	a := ledger.AuditBatch{Ref: "audit/1", Rows: [][]byte{[]byte("a"), []byte("b")}}
	swapped := ledger.AuditBatch{Ref: "audit/1", Rows: [][]byte{[]byte("b"), []byte("a")}}
	moved := ledger.AuditBatch{Ref: "audit/2", Rows: a.Rows}
	shorter := ledger.AuditBatch{Ref: "audit/1", Rows: a.Rows[:1]}
	for _, b := range []ledger.AuditBatch{swapped, moved, shorter} {
		if a.Leaf(at).Hash == b.Leaf(at).Hash {
			t.Errorf("batch %+v has the leaf hash of %+v", b, a)
		}
	}
	blob := ledger.BlobRow{Digest: sha256.Sum256([]byte("x")), Size: 1}
	longer := ledger.BlobRow{Digest: blob.Digest, Size: 2}
	if ledger.BlobLeaf(blob, at).Hash == ledger.BlobLeaf(longer, at).Hash {
		t.Error("the leaf of a blob does not bind its size")
	}
	if got, want := ledger.BlobLeaf(blob, at).Ref, "sha-256/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"; got != want {
		t.Errorf("Ref = %v, want %v", got, want)
	}
}
