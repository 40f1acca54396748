import { bootStory } from './story.ts'

bootStory('x64', 128)
