export { LinkHistory, type Trouble } from './link-history.ts'
export { linkText } from './link-text.ts'
export { LinkWatch } from './link-watch.ts'
