package dicomweb

import (
	"context"
	"fmt"

	"tenon/dicomweb/geometry"
	"tenon/dicomweb/index"
	"tenon/server/access"
)

// EachHeader calls do with the header of every instance of a study that is in
// the caller's reach, in the order of QIDO-RS; its Metadata are good until the
// next one. It is for the server's own checks:
// nothing is disclosed, so nothing is audited.
func (d *Door) EachHeader(ctx context.Context, who *access.Context, study string, do func(*geometry.Header) error) error {
	var text []byte
	for row, err := range d.o.Index.Instances(ctx, who.Reach(), index.Key{Study: study}) {
		if err != nil {
			return fmt.Errorf("dicomweb: index: %w", err)
		}
		i := &row.Instance
		if text, err = d.metadataOf(text[:0], &i.Content, ""); err != nil {
			return err
		}
		if err := do(&geometry.Header{Instance: i.UID, TransferSyntax: i.TransferSyntax, Digest: i.Content.Digest, Metadata: text}); err != nil {
			return err
		}
	}
	return nil
}
