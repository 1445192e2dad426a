package ig

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// Content is what a package is made of.
type Content struct {
	Manifest
	Author, Description, License string
	// Definitions stand in package/, Examples in package/example/: the JSON of
	// one resource each, with an id.
	Definitions, Examples [][]byte
}

// packed is the time of every entry: a package is the same bytes whenever it is
// made of the same content.
var packed = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Write writes a package: package.json, an index for each folder, then the
// resources by their names. The same content gives the same bytes.
// The error is an *issue.Failure where a resource has no id or stands twice.
// https://hl7.org/fhir/packages.html
func Write(w io.Writer, c *Content) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("ig: %w", err)
	}
	archive := tar.NewWriter(zip)
	manifest, err := c.manifest()
	if err == nil {
		err = put(archive, manifestName, manifest)
	}
	for _, folder := range []struct {
		name   string
		bodies [][]byte
	}{{"package/", c.Definitions}, {"package/example/", c.Examples}} {
		if err == nil && len(folder.bodies) > 0 {
			err = writeFolder(archive, folder.name, folder.bodies)
		}
	}
	if err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("ig: %w", err)
	}
	if err := zip.Close(); err != nil {
		return fmt.Errorf("ig: %w", err)
	}
	return nil
}

func put(archive *tar.Writer, name string, body []byte) error {
	h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(body)), ModTime: packed, Format: tar.FormatUSTAR}
	if err := archive.WriteHeader(h); err != nil {
		return fmt.Errorf("ig: %s: %w", name, err)
	}
	if _, err := archive.Write(body); err != nil {
		return fmt.Errorf("ig: %s: %w", name, err)
	}
	return nil
}

func (c *Content) manifest() ([]byte, error) {
	needs := map[string]string{}
	for _, d := range c.Dependencies {
		needs[d.Name] = d.Version
	}
	return indented(struct {
		Name         string            `json:"name"`
		Version      string            `json:"version"`
		Type         string            `json:"type"`
		Canonical    string            `json:"canonical,omitempty"`
		Title        string            `json:"title,omitempty"`
		Description  string            `json:"description,omitempty"`
		Author       string            `json:"author,omitempty"`
		License      string            `json:"license,omitempty"`
		FHIRVersions []string          `json:"fhirVersions"`
		Dependencies map[string]string `json:"dependencies,omitempty"`
	}{c.Name, c.Version, "fhir.ig", c.Canonical, c.Title, c.Description, c.Author, c.License, c.FHIRVersions, needs})
}

// indexed is one line of .index.json.
type indexed struct {
	Filename     string `json:"filename"`
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	URL          string `json:"url,omitempty"`
	Version      string `json:"version,omitempty"`
	Kind         string `json:"kind,omitempty"`
	Type         string `json:"type,omitempty"`

	body []byte
}

func writeFolder(archive *tar.Writer, folder string, bodies [][]byte) error {
	var list []indexed
	for _, body := range bodies {
		x, err := indexOf(body)
		if err != nil {
			return err
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b indexed) int { return strings.Compare(a.Filename, b.Filename) })
	for i := range list[1:] {
		if list[i].Filename == list[i+1].Filename {
			return issue.Errorf(issue.Duplicate, "found %s twice in %s: a package holds a resource once", list[i].Filename, folder).
				Rule("package-twice").Chinese(list[i].Filename + " 重复")
		}
	}
	index, err := indented(struct {
		Version int       `json:"index-version"`
		Files   []indexed `json:"files"`
	}{2, list})
	if err != nil {
		return err
	}
	if err := put(archive, folder+".index.json", index); err != nil {
		return err
	}
	for _, x := range list {
		if err := put(archive, folder+x.Filename, x.body); err != nil {
			return err
		}
	}
	return nil
}

func indexOf(body []byte) (indexed, error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return indexed{}, err
	}
	n := doc.Root()
	x := indexed{ResourceType: clone(n.Field("resourceType")), ID: clone(n.Field("id")), URL: clone(n.Field("url")), Version: clone(n.Field("version")), body: body}
	if x.ResourceType == "" || x.ID == "" {
		return x, issue.Errorf(issue.Required, "found a resource without type or id: a package names its files by both").
			At(x.ResourceType + ".id").Rule("package-id").Chinese("资源缺少类型或 id")
	}
	if x.ResourceType == "StructureDefinition" {
		x.Kind, x.Type = clone(n.Field("kind")), clone(n.Field("type"))
	}
	x.Filename = x.ResourceType + "-" + x.ID + ".json"
	return x, nil
}

func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("ig: %w", err)
	}
	return b.Bytes(), nil
}
