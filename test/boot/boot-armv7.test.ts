import { bootStory } from './story.ts'

bootStory('armv7', 64)
