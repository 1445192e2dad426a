package xml_test

import (
	"bytes"
	stdxml "encoding/xml"
	"errors"
	"io"
	"os"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/xml"
	"tenon/profiles/r4"
)

// source is a Patient of 2.5 kB, or the JSON that TENON_BENCH_JSON names, as
// XML.
func source(b *testing.B) (json, out []byte) {
	b.Helper()
	name := os.Getenv("TENON_BENCH_JSON")
	if name == "" {
		name = "../tree/testdata/patient.json"
	}
	json, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	d, err := tree.Parse(json)
	if err != nil {
		b.Fatal(err)
	}
	if out, err = xml.Append(nil, d.Root(), r4.Model()); err != nil {
		b.Fatal(err)
	}
	return json, out
}

// BenchmarkRead reads XML to JSON beside encoding/xml's loop over tokens, which
// checks no order, no types and no limits, and writes nothing. MB/s are of XML.
func BenchmarkRead(b *testing.B) {
	_, src := source(b)
	b.Run("tojson", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := xml.ToJSON(src, r4.Model(), xml.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-xml-tokens", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			d := stdxml.NewDecoder(bytes.NewReader(src))
			for {
				if _, err := d.RawToken(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkWrite writes a parsed tree as XML. MB/s are of XML.
func BenchmarkWrite(b *testing.B) {
	src, out := source(b)
	d, err := tree.Parse(src)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(out)))
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		if buf, err = xml.Append(buf[:0], d.Root(), r4.Model()); err != nil {
			b.Fatal(err)
		}
	}
}
