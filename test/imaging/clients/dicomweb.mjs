// Stores, finds and retrieves a study with dicomweb-client, reads and writes files
// with dcmjs, and prints what came of it as one line of JSON.
import { readFileSync } from 'node:fs';
import dicomweb from 'dicomweb-client';
import dcmjs from 'dcmjs';

// dicomweb-client asks by XMLHttpRequest, which a browser has: the same over fetch.
globalThis.XMLHttpRequest = class {
  headers = {};
  responseType = '';
  readyState = 0;
  open(method, url) { this.method = method; this.url = url; }
  setRequestHeader(name, value) { this.headers[name] = value; }
  getResponseHeader(name) { return this.answer.headers.get(name); }
  getAllResponseHeaders() { return [...this.answer.headers].map(([n, v]) => `${n}: ${v}`).join('\r\n'); }
  async send(body) {
    this.answer = await fetch(this.url, { method: this.method, headers: this.headers, body });
    this.status = this.answer.status;
    const bytes = await this.answer.arrayBuffer();
    const text = () => new TextDecoder().decode(bytes);
    this.response = this.responseType === 'arraybuffer' ? bytes : this.responseType === 'json' ? (bytes.byteLength ? JSON.parse(text()) : null) : text();
    this.readyState = 4;
    this.onreadystatechange();
  }
};

const { DICOMwebClient } = dicomweb.api;
const client = new DICOMwebClient({ url: process.env.BASE, headers: { Authorization: 'Bearer ' + process.env.TOKEN } });
const { DicomMessage, DicomMetaDictionary } = dcmjs.data;
const buffer = (name) => { const b = readFileSync(name); return b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength); };
const study = process.env.STUDY;
const out = {};

await client.storeInstances({ datasets: process.argv.slice(2).map(buffer) });
const one = { studyInstanceUID: study };
const list = (found, tag) => found.map((x) => x[tag].Value[0]).sort();
out.studies = list(await client.searchForStudies({ queryParams: { StudyInstanceUID: study } }), '0020000D');
const series = await client.searchForSeries(one);
out.series = list(series, '0020000E');
one.seriesInstanceUID = out.series[0];
out.instances = list(await client.searchForInstances(one), '00080018');
out.metadata = (await client.retrieveStudyMetadata({ studyInstanceUID: study })).length;
out.seriesMetadata = (await client.retrieveSeriesMetadata(one)).length;
const instance = { ...one, sopInstanceUID: out.instances[0] };
const metadata = await client.retrieveInstanceMetadata(instance);
const natural = DicomMetaDictionary.naturalizeDataset(Array.isArray(metadata) ? metadata[0] : metadata);
out.rows = natural.Rows;
out.name = natural.PatientName[0] ?? natural.PatientName;

const file = DicomMessage.readFile(await client.retrieveInstance(instance));
out.read = file.dict['00080018'].Value[0];
out.wholeStudy = (await client.retrieveStudy({ studyInstanceUID: study })).length;
out.wholeSeries = (await client.retrieveSeries(one)).length;
const frames = await client.retrieveInstanceFrames({ ...instance, frameNumbers: [1] });
out.frame = frames[0].byteLength;
const picture = await client.retrieveInstanceRendered({ ...instance, mediaTypes: [{ mediaType: 'image/jpeg' }] });
out.rendered = new Uint8Array(picture[0] ?? picture).slice(0, 2).join() === '255,216';

// A file that dcmjs has written itself, under a new UID.
file.dict['00080018'].Value = [process.env.WRITTEN];
file.meta['00020003'].Value = [process.env.WRITTEN];
await client.storeInstances({ datasets: [file.write()] });
out.written = list(await client.searchForInstances({ ...one, queryParams: { SOPInstanceUID: process.env.WRITTEN } }), '00080018');
try {
  await client.retrieveInstance({ ...instance, sopInstanceUID: '1.2.3' });
} catch (e) {
  out.absent = e.status;
}
console.log(JSON.stringify(out));
