package mesh_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"tenon/mesh"
	"tenon/mesh/sample"
)

func TestWriteBinary(t *testing.T) {
	want := sample.Plate(7, sample.Options{Slots: 2})
	var file bytes.Buffer
	if err := mesh.WriteBinary(&file, want); err != nil {
		t.Fatal(err)
	}
	if got := file.Len(); got != 84+50*len(want.Triangles) {
		t.Errorf("%d bytes for %d triangles", got, len(want.Triangles))
	}
	got, err := read(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got.Source.OpposedNormals != 0 || got.Source.AbsentNormals != 0 {
		t.Errorf("normals: %+v, want all along the winding", got.Source)
	}
	got.Source = mesh.Source{}
	if !reflect.DeepEqual(got, want) {
		t.Error("reading what WriteBinary wrote gives another mesh")
	}
}

// Readers that go by the first word must not take our binary for text.
func TestWriteBinaryHeader(t *testing.T) {
	m := build(cube()...)
	m.Solids[0].Name = "Solid block"
	var file bytes.Buffer
	if err := mesh.WriteBinary(&file, m); err != nil {
		t.Fatal(err)
	}
	if head := strings.ToLower(file.String()[:5]); head == "solid" {
		t.Errorf("header begins with %q", head)
	}
	if n := binary.LittleEndian.Uint32(file.Bytes()[80:]); n != 12 {
		t.Errorf("count = %d, want 12", n)
	}
}

func TestWriteASCII(t *testing.T) {
	want := sample.Plate(8, sample.Options{})
	want.Solids = []mesh.Solid{{Name: "inner part", Count: 100}, {Name: "", First: 100, Count: len(want.Triangles) - 100}}
	var file bytes.Buffer
	if err := mesh.WriteASCII(&file, want); err != nil {
		t.Fatal(err)
	}
	got, err := read(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got.Source = mesh.Source{}
	if !reflect.DeepEqual(got, want) {
		t.Error("reading what WriteASCII wrote gives another mesh")
	}
}
