package index

import "context"

// NamesKey stands for the rows of all names among the paths of a Builder.
const NamesKey = "=names"

// Builder makes the rows of dicom_value for instances that were stored before the
// server was told to index an attribute. It is for the server itself: nothing is
// disclosed, so it takes no reach.
type Builder interface {
	// Pending gives, of these paths, those whose rows are not all made, with the
	// UID of the instance up to which they are.
	Pending(ctx context.Context, paths []string) (map[string]string, error)
	// Behind gives at most n instances behind a UID in the order of UIDs: UIDs, the
	// names of the study, Content.Metadata.
	Behind(ctx context.Context, uid string, n int) ([]Result, error)
	// Build writes rows, and that the paths are made up to an instance, or all.
	Build(ctx context.Context, rows []*Value, paths []string, at string, done bool) error
}
