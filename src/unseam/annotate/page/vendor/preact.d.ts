// What the page uses of preact. Ours; the package's own declarations are many times the size of its code.
export type Child = VNode | string | number | boolean | null | undefined | Child[];
export interface VNode { type: unknown; props: unknown; key: unknown; }
export type Component<P> = (props: P) => Child;
export function h(tag: Component<{}>, props: null | { key?: string | number }): VNode;
export function h(tag: string, props: Record<string, unknown> | null, ...children: Child[]): VNode;
export function h<P>(tag: Component<P>, props: P & { key?: string | number }, ...children: Child[]): VNode;
export function render(node: Child, into: Element): void;
