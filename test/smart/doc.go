// Package smart proves the authorization server over HTTP, on both engines:
// discovery, backends, apps of persons, what scopes leave of the record, and the
// attacks that are known of such servers. It speaks as an app and as a browser do.
//
// https://hl7.org/fhir/smart-app-launch/STU2.2/
package smart
