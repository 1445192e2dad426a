package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"strings"
)

// blockSize is how much is compressed together: reading one resource costs
// inflating its block. A larger resource is a block of its own.
const blockSize = 64 << 10

// pack writes the two files of the library; package r4 says what is in them.
func pack(entries []entry) (index, blocks []byte, err error) {
	var text, file bytes.Buffer
	for len(entries) > 0 {
		n, size := 1, len(entries[0].body)
		for n < len(entries) && size+len(entries[n].body) <= blockSize && together(&entries[0], &entries[n]) {
			size += len(entries[n].body)
			n++
		}
		start := file.Len()
		if err := deflate(&file, entries[:n]); err != nil {
			return nil, nil, err
		}
		fmt.Fprintf(&text, "%s\t%s\t%d\t%d\n", entries[0].Type, entries[0].Package, file.Len()-start, size)
		for i := range entries[:n] {
			if err := line(&text, &entries[i]); err != nil {
				return nil, nil, err
			}
		}
		entries = entries[n:]
	}
	return text.Bytes(), file.Bytes(), nil
}

// together: the index names type and package once for a block.
func together(a, b *entry) bool { return a.Type == b.Type && a.Package == b.Package }

func deflate(file *bytes.Buffer, entries []entry) error {
	z, err := flate.NewWriter(file, flate.BestCompression)
	if err != nil {
		return err
	}
	for i := range entries {
		if _, err := z.Write(entries[i].body); err != nil {
			return err
		}
	}
	return z.Close()
}

func line(text *bytes.Buffer, e *entry) error {
	superseded := ""
	if e.Superseded {
		superseded = "superseded"
	}
	fields := []string{
		fmt.Sprint(len(e.body)), e.URL, e.Version, e.ID, e.Name, e.Status, superseded, e.Of, e.Derivation, e.Kind,
	}
	for _, f := range fields {
		if strings.ContainsAny(f, "\t\n") {
			return fmt.Errorf("%s/%s: %q does not fit on a line of the index", e.Type, e.ID, f)
		}
	}
	_, err := text.WriteString(strings.Join(fields, "\t") + "\n")
	return err
}
