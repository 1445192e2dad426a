package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/dicomweb/sample"
)

func TestDeidentifyCommand(t *testing.T) {
	dir := t.TempDir()
	at := func(name string, b []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	key, short := at("key", bytes.Repeat([]byte("k"), 32)), at("short", []byte("k"))
	slice := at("in.dcm", sample.New(sample.Options{PatientID: "MRN-SECRET", PatientName: "Secret^Name"}).Slice(0))
	text := at("text.dcm", []byte("no DICOM"))
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--key", key, "--out", out, "--retain", "modified-dates", "--retain", "patient", slice}, 0, "face"},
		{[]string{"--key", short, "--out", out, slice}, 1, "at least 32 bytes"},
		{[]string{"--key", key, "--out", out, text}, 1, "DICM"},
		{[]string{"--key", key, "--out", out, "--retain", "full-dates", "--retain", "modified-dates", slice}, 1, "not both"},
		{[]string{"--key", key, "--out", out, "--retain", "all", slice}, 2, "retain"},
	} {
		var said bytes.Buffer
		if code := run(t.Context(), append([]string{"deidentify"}, c.args...), &said, &said); code != c.code || !strings.Contains(said.String(), c.says) {
			t.Errorf("tenon deidentify %v = %d %q, want %d and %q", c.args, code, said.String(), c.code, c.says)
		}
	}
	files, err := os.ReadDir(out)
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0].Name(), ".dcm") {
		t.Fatalf("the folder holds %v (%v), want one result and no rest of what failed", files, err)
	}
	b, err := os.ReadFile(filepath.Join(out, files[0].Name()))
	if err != nil || bytes.Contains(b, []byte("SECRET")) || bytes.Contains(b, []byte("Secret")) {
		t.Errorf("the result tells whose it is (%v)", err)
	}
}
