// Package dimse speaks DICOM's own network protocol: the upper layer of PS3.8
// and the message services of PS3.7, over TCP or TLS. It is the door for
// scanners and PACS that know no HTTP, and the way out to them.
//
//	listen → A-ASSOCIATE-RQ → who is it? → contexts ─┬─ C-ECHO
//	          (limits, TLS)    (peer, from   (by the  ├─ C-STORE   → Archive.Store
//	                            where, its   permis-  ├─ C-FIND    → Archive.Find
//	                            principal)   sions)   ├─ C-MOVE    → Archive.Retrieve → association to a peer
//	                                                  ├─ C-GET     → Archive.Retrieve → this association
//	                                                  └─ N-ACTION  → Archive.Holds → N-EVENT-REPORT
//
//	Send → association → C-STORE      Pull → association → C-MOVE to us
//
// An application entity title is a name, no proof: a Peer is let in only from
// the networks that its registration names or with the certificate that it
// names, under the permissions that it was given, and acts for one principal,
// whose reach bounds all it sees and stores. What has no registration is
// rejected.
//
// A data set that arrives is passed on as it comes and never held; what memory
// an association takes depends on the length of a PDU only. The room knows no
// HTTP, no SQL, and keeps nothing itself.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part08.html
// https://dicom.nema.org/medical/dicom/current/output/html/part07.html
package dimse
