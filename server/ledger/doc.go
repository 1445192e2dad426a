// Package ledger proves the record: a Merkle log of versions, audit batches and
// blobs, signed checkpoints, signatures of persons, and their verification with
// nothing but an exported dossier and a trusted key. No HTTP and no SQL.
//
// https://www.rfc-editor.org/rfc/rfc6962
//
// What is erased leaves its leaf in the log, and a certificate, sealed by the key
// of the log, that names that leaf (erasure.go, dossier_erasure.go).
//
// A database is walked both ways: from each row to its leaf, and from each leaf, in
// the log or waiting, to its row or to the certificate that says why it has none. The
// table by which gates are judged has no leaves: each of its rows must say what the
// person signed in a Provenance of the record, and each such Provenance must have its
// row (verify_gates.go). The person behind the signer's role is the one for whom the
// key was certified; $sign takes no key of somebody who had the role before.
//
// # Revocation of SM2 certificates: by CRL alone
//
// At signing a CRL or an OCSP answer is kept with the signature. Of a chain with an
// SM2 key only a CRL is asked for and judged. golang.org/x/crypto/ocsp verifies an
// answer by x509.Certificate.CheckSignature, which knows neither the algorithm
// SM2-with-SM3 nor the curve, and reads the responder's certificate by
// x509.ParseCertificate, which refuses an SM2 key; what it returns can be verified
// by nobody else then, since the error comes before the answer. It parses without
// verifying only where the answer holds no certificate, but responders delegate
// (RFC 6960 §4.2.2.2), and of those a certificate must be judged. It also knows no
// SM3 in CertID. github.com/emmansun/gmsm has certificates and CRLs (smx509) and no
// OCSP. It takes an own parser of BasicOCSPResponse with its delegated responders
// and fuzz test; until there is one, a chain whose issuer publishes no CRL has no
// revocation data, and is treated as every chain without.
package ledger
