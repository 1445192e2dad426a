// Command generate makes the embedded files of package r4 from two unpacked
// npm packages: hl7.fhir.r4.examples@4.0.1 and hl7.terminology.r4@7.0.1. It
// reads files only, fetches nothing, and writes the same bytes for the same
// packages.
//
//	go run ./generate -package DIR -terminology DIR -out DIR
//
// The model of the types takes what HL7 publishes under http://hl7.org/fhir and
// leaves examples, logical models and profiles alone; the library takes every
// conformance resource but examples.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"tenon/fhir/schema"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	dir := flag.String("package", os.Getenv("TENON_R4_PACKAGE"), "folder of the unpacked R4 package (holds package.json)")
	terminology := flag.String("terminology", os.Getenv("TENON_THO_PACKAGE"), "folder of the unpacked HL7 Terminology package")
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	if err := run(*dir, *terminology, *out); err != nil {
		log.Fatal(err)
	}
}

func run(dir, terminology, out string) error {
	if dir == "" || terminology == "" {
		return fmt.Errorf("name the unpacked packages with -package and -terminology, or TENON_R4_PACKAGE and TENON_THO_PACKAGE")
	}
	r4, err := open(dir)
	if err != nil {
		return err
	}
	tho, err := open(terminology)
	if err != nil {
		return err
	}
	model, err := modelFile(r4)
	if err != nil {
		return err
	}
	index, blocks, err := libraryFiles(r4, tho)
	if err != nil {
		return err
	}
	for name, body := range map[string][]byte{"definitions.json.gz": model, "library.tsv": index, "library.bin": blocks} {
		if err := os.WriteFile(filepath.Join(out, name), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func libraryFiles(r4, tho *source) (index, blocks []byte, err error) {
	entries, err := library(r4, tho)
	if err != nil {
		return nil, nil, err
	}
	if index, blocks, err = pack(entries); err != nil {
		return nil, nil, err
	}
	size := 0
	for i := range entries {
		size += len(entries[i].body)
	}
	log.Printf("library: %d resources of %d bytes, index %d, blocks %d", len(entries), size, len(index), len(blocks))
	return index, blocks, nil
}

func modelFile(src *source) ([]byte, error) {
	defs, err := build(src)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := schema.Encode(&b, defs); err != nil {
		return nil, err
	}
	if _, err := schema.Decode(bytes.NewReader(b.Bytes())); err != nil {
		return nil, fmt.Errorf("what was made does not link: %w", err)
	}
	log.Printf("model: %d types, %d search parameters, %d compartments, %d value sets, %d bytes",
		len(defs.Types), len(defs.Search), len(defs.Compartments), len(defs.ValueSets), b.Len())
	return b.Bytes(), nil
}

func build(src *source) (*schema.Definitions, error) {
	defs := &schema.Definitions{Version: src.version}
	t := typeBuilder{defs: defs, invariants: map[schema.Invariant]int{}}
	if err := t.build(src); err != nil {
		return nil, err
	}
	var err error
	if defs.Search, err = searchParameters(src); err != nil {
		return nil, err
	}
	if defs.Compartments, err = compartments(src); err != nil {
		return nil, err
	}
	defs.ValueSets, err = valueSets(src, defs)
	return defs, err
}
