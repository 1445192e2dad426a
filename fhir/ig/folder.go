package ig

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Found is a package in a folder.
type Found struct {
	Path     string // in the file system
	Manifest *Manifest
}

// Folder reads the manifests of the packages (.tgz) that lie in the top folder
// of a file system, by path. What is no FHIR package is told in skipped, with
// the reason; the error is that of the file system.
func Folder(fsys fs.FS, lim Limits) (found []Found, skipped []error, err error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, nil, fmt.Errorf("ig: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".tgz") && !strings.HasSuffix(e.Name(), ".tar.gz") {
			continue
		}
		m, err := manifestOf(fsys, e.Name(), lim)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("%s: %w", e.Name(), err))
			continue
		}
		found = append(found, Found{e.Name(), m})
	}
	slices.SortFunc(found, func(a, b Found) int { return strings.Compare(a.Path, b.Path) })
	return found, skipped, nil
}

func manifestOf(fsys fs.FS, name string, lim Limits) (*Manifest, error) {
	f, err := fsys.Open(path.Clean(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return ReadManifest(f, lim)
}
