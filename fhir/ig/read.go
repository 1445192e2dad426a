package ig

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"hash/maphash"
	"io"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

const manifestName = "package/package.json"

// File is one resource of a package.
type File struct {
	Name string // "StructureDefinition-x.json", without the folder
	Type string // resourceType
	// Body is the resource's JSON, the visitor's to keep.
	Body []byte
	// Node is Body parsed; it lives no longer than the visit.
	Node tree.Node
}

// Read reads a package from its compressed stream and hands every resource of
// its folder package/ to visit, in the order of the archive. Other folders
// (examples, openapi, xml …) and files that are no FHIR resource are passed
// over. The manifest may come anywhere in the archive, so it is known at the
// end; ReadManifest knows it before.
//
// A package that is not for R4 is read like any other: ask Manifest.ForR4.
// Errors of the package are *issue.Failure that name the entry; an error of
// visit ends the reading and is returned as it is; what the stream itself
// reports is wrapped.
func Read(r io.Reader, lim Limits, visit func(File) error) (*Manifest, error) {
	p := &reader{lim: lim.withDefaults(), visit: visit, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	if err := p.all(r); err != nil {
		return nil, err
	}
	if p.manifest == nil {
		return nil, noManifest()
	}
	return p.manifest, nil
}

// ReadManifest reads no further than the manifest, which most packages begin
// with.
func ReadManifest(r io.Reader, lim Limits) (*Manifest, error) {
	p := &reader{lim: lim.withDefaults(), seen: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	if err := p.all(r); err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	if p.manifest == nil {
		return nil, noManifest()
	}
	return p.manifest, nil
}

var errFound = errors.New("ig: the manifest is found")

func noManifest() error {
	return refuse(manifestName, "the package has no package/package.json: it is no FHIR package (.tgz)", "缺少 package/package.json，不是 FHIR 包", "package-manifest")
}

type reader struct {
	lim      Limits
	visit    func(File) error // nil: only the manifest is wanted
	manifest *Manifest
	doc      tree.Doc
	seed     maphash.Seed
	seen     map[uint64]struct{} // hashes of the entries' names, which are long in a hostile archive
	entries  int
}

func (p *reader) all(r io.Reader) error {
	in := &counted{r: r}
	z, err := gzip.NewReader(in)
	if err != nil {
		return broken(err, in, "gzip")
	}
	out := &inflated{z: z, in: in, lim: p.lim}
	archive := tar.NewReader(out)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return broken(err, in, "tar")
		}
		if err := p.entry(h, archive); err != nil {
			if out.err != nil && issue.As(err) == nil {
				return broken(out.err, in, "gzip")
			}
			return err
		}
	}
	// What is left must be sound too: the checksum stands at the end.
	if _, err := io.Copy(io.Discard, out); err != nil {
		return broken(err, in, "gzip")
	}
	return nil
}

// entry judges one entry of the archive and takes it if it is wanted.
func (p *reader) entry(h *tar.Header, content io.Reader) error {
	if p.entries++; p.entries > p.lim.Files {
		return tooMuch(h.Name, int64(p.lim.Files), "files", "文件数")
	}
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir:
		_, err := cleanName(h.Name)
		return err
	case tar.TypeXGlobalHeader:
		return nil
	default:
		return refuse(h.Name, "the entry is a link or a device: a package holds plain files only", "条目是链接或设备，包中只能有普通文件", "package-entry")
	}
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	hash := maphash.String(p.seed, name)
	if _, twice := p.seen[hash]; twice {
		return refuse(h.Name, "the name stands twice in the package: keep one", "文件名重复", "package-duplicate")
	}
	p.seen[hash] = struct{}{}
	switch {
	case name == manifestName:
		return p.readManifest(h, content)
	case p.visit != nil && isResource(name):
		return p.readResource(name, h, content)
	}
	return nil
}

func (p *reader) readManifest(h *tar.Header, content io.Reader) error {
	body, err := p.body(h, content)
	if err != nil {
		return err
	}
	if err := p.parse(manifestName, body); err != nil {
		return err
	}
	if p.manifest, err = readManifest(p.doc.Root()); err != nil {
		return err
	}
	if p.visit == nil {
		return errFound
	}
	return nil
}

func (p *reader) readResource(name string, h *tar.Header, content io.Reader) error {
	body, err := p.body(h, content)
	if err != nil {
		return err
	}
	if err := p.parse(name, body); err != nil {
		return err
	}
	root := p.doc.Root()
	typ := clone(root.Field("resourceType"))
	if typ == "" {
		return nil // a file of a tool
	}
	return p.visit(File{Name: name[len("package/"):], Type: typ, Body: body, Node: root})
}

// body reads one file. A size that is declared is not believed, only checked.
func (p *reader) body(h *tar.Header, content io.Reader) ([]byte, error) {
	if h.Size > int64(p.lim.File) {
		return nil, tooMuch(h.Name, int64(p.lim.File), "bytes in one file", "单个文件字节数")
	}
	body, err := io.ReadAll(content)
	return withoutBOM(body), err
}

// parse puts the name of the entry before the path of a fault.
func (p *reader) parse(name string, body []byte) error {
	err := p.doc.Parse(body, tree.Limits{Bytes: p.lim.File, Nodes: p.lim.Nodes})
	if f := issue.As(err); f != nil {
		where := clip(name)
		if f.Issues[0].Path != "" {
			where += ": " + f.Issues[0].Path
		}
		return f.At(where).WithStatus(422)
	}
	return err
}
