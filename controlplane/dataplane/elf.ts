// SPDX-License-Identifier: Apache-2.0

/** One section of an ELF file. */
export interface Section {
  readonly name: string;
  readonly data: Uint8Array;
}

/** One symbol of an ELF file that has a place in a section. */
export interface ElfSymbol {
  readonly name: string;
  /** Name of the section it is defined in. */
  readonly section: string;
  /** True for a function. */
  readonly isFunction: boolean;
  /** True when it is visible to other files and not hidden. */
  readonly isGlobal: boolean;
}

/** What Blixt reads of an ELF file. */
export interface Elf {
  readonly sections: ReadonlyMap<string, Section>;
  readonly symbols: readonly ElfSymbol[];
}

const EM_BPF = 247;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const STT_FUNC = 2;
const STB_GLOBAL = 1;
const STV_DEFAULT = 0;
const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;

/**
 * Reads sections and symbols of a 64-bit little-endian ELF file for BPF (ELF-64 Object File Format 1.5).
 * Throws a SyntaxError when the bytes are no such file.
 */
export function parseElf(bytes: Uint8Array): Elf {
  if (bytes.length < HEADER_SIZE || [0x7f, 0x45, 0x4c, 0x46].some((byte, i) => bytes[i] !== byte)) {
    throw new SyntaxError("The object is no ELF file");
  }
  if (bytes[4] !== 2 || bytes[5] !== 1) {
    throw new SyntaxError("The object is no 64-bit little-endian ELF file");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(18, true) !== EM_BPF) {
    throw new SyntaxError("The object is an ELF file for another machine than BPF");
  }
  try {
    return readElf(bytes, view);
  } catch (cause) {
    if (cause instanceof RangeError) throw new SyntaxError("The object is a truncated ELF file", { cause });
    throw cause;
  }
}

interface SectionHeader {
  readonly nameOffset: number;
  readonly type: number;
  readonly link: number;
  readonly data: Uint8Array;
}

function readElf(bytes: Uint8Array, view: DataView): Elf {
  const start = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const headers: SectionHeader[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * SECTION_HEADER_SIZE;
    const type = view.getUint32(at + 4, true);
    const offset = Number(view.getBigUint64(at + 24, true));
    const size = type === SHT_NOBITS ? 0 : Number(view.getBigUint64(at + 32, true));
    if (offset + size > bytes.length) throw new RangeError(`Section ${i} ends behind the file`);
    headers.push({
      nameOffset: view.getUint32(at, true),
      type,
      link: view.getUint32(at + 40, true),
      data: bytes.subarray(offset, offset + size),
    });
  }
  const names = headerAt(headers, view.getUint16(62, true)).data;
  const nameOf = (header: SectionHeader): string => cString(names, header.nameOffset);
  const sections = new Map<string, Section>();
  for (const header of headers) {
    const name = nameOf(header);
    if (name !== "") sections.set(name, { name, data: header.data });
  }
  const symbols: ElfSymbol[] = [];
  for (const table of headers.filter((header) => header.type === SHT_SYMTAB)) {
    const strings = headerAt(headers, table.link).data;
    const entries = new DataView(table.data.buffer, table.data.byteOffset, table.data.byteLength);
    for (let at = 0; at + SYMBOL_SIZE <= table.data.length; at += SYMBOL_SIZE) {
      const info = entries.getUint8(at + 4);
      const index = entries.getUint16(at + 6, true);
      const section = headers[index];
      if (index === 0 || section === undefined) continue;
      symbols.push({
        name: cString(strings, entries.getUint32(at, true)),
        section: nameOf(section),
        isFunction: (info & 0xf) === STT_FUNC,
        isGlobal: info >> 4 === STB_GLOBAL && entries.getUint8(at + 5) === STV_DEFAULT,
      });
    }
  }
  return { sections, symbols };
}

function headerAt(headers: readonly SectionHeader[], index: number): SectionHeader {
  const header = headers[index];
  if (header === undefined) throw new RangeError(`There is no section ${index}`);
  return header;
}

/** The bytes from an offset up to the next zero, as text. */
export function cString(bytes: Uint8Array, offset: number): string {
  const end = bytes.indexOf(0, offset);
  if (offset >= bytes.length || end < 0) throw new RangeError(`No string ends behind offset ${offset}`);
  return new TextDecoder().decode(bytes.subarray(offset, end));
}
