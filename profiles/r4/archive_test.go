package r4_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"strings"
	"sync"
	"testing"

	"tenon/profiles/r4"
)

// pack writes a library of blocks, each of which holds resources of one size.
func pack(t *testing.T, sizes ...int) (index, blocks string) {
	t.Helper()
	var text, file bytes.Buffer
	for i, size := range sizes {
		body := fmt.Sprintf(`{"resourceType":"ValueSet","url":"v%d","status":"active"%s}`, i, strings.Repeat(" ", size))
		start := file.Len()
		z, err := flate.NewWriter(&file, flate.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(z, body, body)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "ValueSet\tp#1\t%d\t%d\n", file.Len()-start, 2*len(body))
		for version := range 2 {
			fmt.Fprintf(&text, "%d\tv%d\t%d\tid\tname\tactive\t\t\t\t\n", len(body), i, version)
		}
	}
	return text.String(), file.String()
}

// However many blocks are read, and by how many at once, what is kept fits in
// the room, and a block that is larger than the room is not kept at all.
func TestArchiveIsBounded(t *testing.T) {
	const room = 10_000
	sizes := make([]int, 40)
	for i := range sizes {
		sizes[i] = 100 + i*i*4 // two of 6,000 bytes and more do not fit
	}
	index, blocks := pack(t, sizes...)
	lib, kept, err := r4.ReadIndex(index, blocks, room)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 400 {
				url := fmt.Sprintf("v%d", (i*(worker*2+3))%len(sizes))
				for _, version := range []string{"|0", "|1"} {
					n, err := lib.Find("ValueSet", url+version).Node()
					if err != nil || n.Field("url").Str() != url {
						t.Errorf("%s reads %q, %v", url, n.Field("url").Str(), err)
					}
				}
				if blocks, held := kept(); held > room || blocks > len(sizes) || blocks == 0 && held != 0 {
					t.Errorf("%d blocks of %d bytes are kept, room is %d", blocks, held, room)
				}
			}
		})
	}
	wait.Wait()
}

// The block that was used last stays, the one that was used longest ago goes.
func TestArchiveKeepsTheLastUsed(t *testing.T) {
	index, blocks := pack(t, 1000, 1000, 1000)
	lib, _, err := r4.ReadIndex(index, blocks, 4500) // two blocks of some 2,100 bytes
	if err != nil {
		t.Fatal(err)
	}
	same := func(url string, before *byte) (*byte, bool) {
		body, err := lib.Find("ValueSet", url).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return &body[0], &body[0] == before
	}
	first, _ := same("v0", nil)
	second, _ := same("v1", nil)
	same("v0", nil)
	same("v2", nil) // in place of v1
	if _, kept := same("v0", first); !kept {
		t.Error("the block that was used last but one is gone")
	}
	if _, kept := same("v1", second); kept {
		t.Error("the block that was used longest ago is kept")
	}
}

func TestReadIndexRefuses(t *testing.T) {
	index, blocks := pack(t, 10)
	for _, tc := range []struct{ name, index, blocks, want string }{
		{"fields", "a\tb\tc\n", blocks, "too few"},
		{"too many fields", strings.Repeat("1\t", 11) + "\n", blocks, "too many"},
		{"no block", "5\tv\t\t\t\t\t\t\t\t\n", blocks, "not inside the block"},
		{"beyond the block", strings.Replace(index, "\nid", "", 1) + "2\tw\t\t\t\t\t\t\t\t\n", blocks, "not inside the block"},
		{"negative", strings.SplitAfter(index, "\n")[0] + "-1\tw\t\t\t\t\t\t\t\t\n", blocks, "not inside the block"},
		{"no number", "ValueSet\tp\tx\t1\n", blocks, "invalid syntax"},
		{"no size", "ValueSet\tp\t1\tx\n", blocks, "invalid syntax"},
		{"short file", index, blocks[:4], "not inside the file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, _, err := r4.ReadIndex(tc.index, tc.blocks, 1<<20); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("ReadIndex = %v, want an error with %q", err, tc.want)
			}
		})
	}
	spoilt := strings.Repeat("\xff", len(blocks))
	lib, _, err := r4.ReadIndex(index, spoilt, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := lib.Find("ValueSet", "v0").Node(); err == nil {
		t.Errorf("a spoilt block reads as %s", n.Raw())
	}
}
