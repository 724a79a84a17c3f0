/** A certificate of whoever sends a request, which an authority that the server trusts has signed. Only servers make them. */
export class ClientCertificate {
  readonly commonName: string | undefined;
  /** SHA-256, in hexadecimal. */
  readonly fingerprint: string;
  /** In milliseconds since 1970. */
  readonly until: number;

  constructor(commonName: string | undefined, fingerprint: string, until: number) {
    this.commonName = commonName;
    this.fingerprint = fingerprint;
    this.until = until;
  }
}
