package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"
)

// summarise has the PDF made and lists its digest.
func (d *Dossier) summarise(keys *Keys, inv *inventory, p *proofs) ([]byte, error) {
	if d.Summary == nil {
		return nil, nil
	}
	f := Facts{Origin: keys.Signer.Name(), Key: keys.Public, Size: inv.size, Root: inv.root, Created: d.Created, Files: d.Blobs, Events: len(inv.events)}
	for _, v := range inv.versions {
		f.Entries = append(f.Entries, Fact{v.ref, v.digest, v.deleted})
	}
	for _, a := range p.Anchors {
		at, err := time.Parse(instantLayout, a.At)
		if err != nil {
			return nil, err
		}
		f.Anchors = append(f.Anchors, Anchor{Kind: a.Kind, Name: a.Name, Size: a.Size, At: at})
	}
	summary, err := d.Summary(f)
	if err != nil {
		return nil, fmt.Errorf("ledger: summary: %w", err)
	}
	inv.summary = &listedBlob{digest: sha256.Sum256(summary), size: int64(len(summary)), embedded: true, mediaType: summaryType}
	return summary, nil
}

// summary judges the PDF by the seal.
func (v *verifier) summary(e item) {
	l := v.ledger
	l.summarised = true
	content, err := base64.StdEncoding.Strict().DecodeString(e.resource.Field("data").Str())
	switch {
	case err != nil || int64(len(content)) != l.inventory.summary.size || sha256.Sum256(content) != l.inventory.summary.digest:
		v.report.find(Changed, "summary", "", "it is not the one that was sealed with the dossier")
	case v.entries != 3 || e.resource.Len() != 4 || e.resource.Field("contentType").Str() != summaryType || e.doc.Field("fullUrl").Str() != l.base+"/Binary/"+summaryID:
		v.report.find(Changed, "summary", "", "its place, media type, fullUrl or members are not those that were sealed")
	default:
		v.national("summary", "", "summary", content)
		v.report.Summary = content
	}
}
