// What the modules under test expect of a browser, and no more. Imported first.
const values = new Map<string, string>();
Object.assign(globalThis, {
    localStorage: { getItem: (name: string) => values.get(name) ?? null, setItem: (name: string, value: string) => values.set(name, value) },
    addEventListener: () => undefined,
});
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en"] }, configurable: true });
